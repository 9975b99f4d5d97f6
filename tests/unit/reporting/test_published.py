"""The published numbers are the supplement's, and each has a measured counterpart in `localize`."""

from leftright.figures.localization import PREDICTIONS
from leftright.reporting.published import OTHER_TABLES, TABLE_1, UPMIXING


def test_table_1_is_the_supplements() -> None:
    assert [(entry.name, entry.pearson, entry.spearman) for entry in TABLE_1] == [
        ("Sound prior", 0.062, 0.101),
        ("PCA proj", 0.709, 0.790),
        ("CCA proj", 0.909, 0.876),
        ("Salience prior", 0.008, 0.012),
        ("Motion prior", 0.009, 0.001),
        ("Predicted ROI", 0.259, 0.286),
    ]


def test_every_row_is_measured_by_localize_under_its_key() -> None:
    assert [entry.key for entry in TABLE_1] == [prediction.name for prediction in PREDICTIONS]
    assert TABLE_1[1].metric("pearson") == "localize.pca.pearson"


def test_the_sound_stands_before_the_picture() -> None:
    assert [entry.modality for entry in TABLE_1] == ["sound"] * 3 + ["picture"] * 3


def test_the_reference_for_upmixing_is_pseudo_binaurals() -> None:
    assert [(entry.name, entry.youtube_asmr, entry.fair_play) for entry in UPMIXING] == [
        ("mono-mono", (0.286, 0.070), (1.024, 0.145)),
        ("Mono2Binaural", (0.198, 0.055), (0.917, 0.137)),
    ]


def test_what_is_not_held_is_unknown_and_not_unimplemented() -> None:
    (main_text,) = [entry for entry in OTHER_TABLES if entry.name.startswith("Main text")]
    assert "unknown" in main_text.reason
    assert "not implemented" not in main_text.reason
