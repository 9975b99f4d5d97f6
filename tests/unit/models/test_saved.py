import numpy as np
import pytest
import torch

from leftright.errors import InputError
from leftright.lineage import Lineage
from leftright.models import AudioVisualNetwork, Predictor, find_model, load_model, read_lineage, save_model
from tests.unit.models.test_audio_visual import TINY, TINY_WINDOW


@pytest.fixture
def network() -> AudioVisualNetwork:
    torch.manual_seed(0)
    network = AudioVisualNetwork(TINY, TINY_WINDOW)
    network(torch.randn(2, 2, TINY_WINDOW.num_samples), torch.rand(2, 3, 3, 32, 32))  # moves batch norm's statistics
    return network.eval()


def test_a_model_read_again_gives_the_same_logits(network, tmp_path):
    save_model(tmp_path / "model.pt", network, "flip", {"learning_rate": 0.1})
    read, meta = load_model(tmp_path / "model.pt")
    waveform, frames = torch.randn(2, 2, TINY_WINDOW.num_samples), torch.rand(2, 3, 3, 32, 32)
    assert torch.equal(read(waveform, frames), network(waveform, frames))
    assert not read.training
    assert (meta.task, meta.architecture, meta.geometry, meta.config) == (
        "flip",
        TINY,
        TINY_WINDOW,
        {"learning_rate": 0.1},
    )


def test_a_predictor_takes_arrays(network, tmp_path):
    save_model(tmp_path / "model.pt", network, "flip", {})
    predictor = Predictor(tmp_path / "model.pt")
    example = predictor.example_input()
    assert (example["waveform"].dtype, example["frames"].dtype) == (np.float32, np.uint8)
    expected = network(torch.from_numpy(example["waveform"]), torch.from_numpy(example["frames"]).float() / 255)
    np.testing.assert_allclose(predictor.predict(example), expected.detach().numpy(), rtol=1e-5)


def test_files_that_are_no_model_are_named(network, tmp_path):
    path = tmp_path / "model.pt"
    with pytest.raises(InputError, match="no such model"):
        load_model(path)
    for content in (b"", b"junk", b"not a model", b"PK\x03\x04 broken"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=f"{path}: not a model file"):
            load_model(path)
    torch.save({"format": 0}, path)
    with pytest.raises(InputError, match="not a model of format 1"):
        load_model(path)


def test_a_model_file_cannot_run_code(tmp_path):
    torch.save({"format": 1, "task": print}, tmp_path / "model.pt")
    with pytest.raises(InputError, match="not a model file"):
        load_model(tmp_path / "model.pt")


def test_weights_of_other_sizes_are_refused(network, tmp_path):
    save_model(tmp_path / "model.pt", network, "flip", {})
    document = torch.load(tmp_path / "model.pt")
    document["architecture"]["audio_features"] = 9
    torch.save(document, tmp_path / "model.pt")
    with pytest.raises(InputError, match="a model of other sizes"):
        load_model(tmp_path / "model.pt")


def test_a_model_carries_its_lineage(network, tmp_path):
    save_model(tmp_path / "model.pt", network, "flip", {}, Lineage("abc+", "run-7", "0123"))
    assert read_lineage(tmp_path / "model.pt") == load_model(tmp_path / "model.pt")[1].lineage
    assert read_lineage(tmp_path / "model.pt") == Lineage("abc+", "run-7", "0123")


def test_a_file_without_a_lineage_or_with_more_of_one_is_a_model(network, tmp_path):
    path = tmp_path / "model.pt"
    save_model(path, network, "flip", {})
    document = torch.load(path)
    for written, read in (
        ({"lineage": {"data_rev": "abc", "of_tomorrow": "x"}}, Lineage("abc")),
        ({"lineage": "abc"}, Lineage()),
        ({}, Lineage()),
    ):
        torch.save({key: value for key, value in document.items() if key != "lineage"} | written, path)
        assert load_model(path)[1].lineage == read_lineage(path) == read


def test_the_model_of_a_task_is_found_among_parts_and_files(network, tmp_path):
    """A fan-out leaves a directory a part, of which one holds the task that is asked for."""
    for place in ("first/shift", "second/flip", "second/mismatch"):
        save_model(tmp_path / place / "model.pt", network, place.split("/")[1], {})
    parts = [tmp_path / "first", tmp_path / "second"]
    for task, found in (("shift", "first/shift"), ("flip", "second/flip"), ("mismatch", "second/mismatch")):
        assert find_model(parts, task) == tmp_path / found / "model.pt"
        assert find_model([tmp_path / found / "model.pt"], task) == tmp_path / found / "model.pt"
        assert find_model([tmp_path / found], task) == tmp_path / found / "model.pt"


def test_a_file_in_the_folder_of_a_task_that_is_of_another_is_not_taken(network, tmp_path):
    """What a file says of itself counts, not where it lies."""
    save_model(tmp_path / "flip" / "model.pt", network, "shift", {})
    with pytest.raises(InputError, match="no model of the task flip; run pretrain with it among its tasks"):
        find_model([tmp_path], "flip")


def test_a_pretrain_of_before_there_were_several_tasks_is_one_of_flip(network, tmp_path):
    save_model(tmp_path / "model.pt", network, "flip", {})
    assert find_model([tmp_path], "flip") == tmp_path / "model.pt"
    assert load_model(tmp_path)[1].task == "flip"
