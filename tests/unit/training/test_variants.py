from leftright.training.variants import ABLATIONS, INITIALISATIONS, TASKS, Variant, variants


def test_every_task_from_every_start_and_without_one_of_its_inputs():
    found = variants(TASKS, INITIALISATIONS, "all")
    assert len(found) == len({str(variant) for variant in found}) == 3 * 5 + 2 + 1 + 1
    assert [str(variant) for variant in found[:7]] == [
        "track/scratch",
        "track/supervised",
        "track/mismatch",
        "track/shift",
        "track/flip",
        "track/sound_only",
        "track/picture_only",
    ]
    assert [str(variant) for variant in found if variant.task != "track" and "only" in variant.name] == [
        "spatialize/sound_only",
        "separate/sound_only",
    ]


def test_a_start_that_is_an_initialisation_uses_both_inputs():
    for variant in variants(TASKS, INITIALISATIONS, "none"):
        assert (variant.start, variant.inputs) == (variant.name, "both")


def test_an_ablation_names_what_is_left_and_begins_as_flip_does():
    """So that it differs from the flip variant in its inputs alone."""
    found = {str(variant): variant for variant in variants(TASKS, INITIALISATIONS, "all")}
    assert found["track/sound_only"] == Variant("track", "sound_only", "flip")
    assert found["track/sound_only"].inputs == "sound"
    assert found["track/picture_only"].inputs == "picture"
    assert {found[f"{task}/{name}"].start for task in TASKS for name in ABLATIONS[task]} == {"flip"}


def test_without_flip_it_begins_as_the_last_initialisation():
    found = variants(["separate"], ["scratch", "shift"], "all")
    assert found[-1] == Variant("separate", "sound_only", "shift")
