from leftright.training.processes import Processes, joined


def test_alone_without_torchrun(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined("auto") as processes:
        assert processes == Processes(rank=0, count=1, count_local=1)
        assert processes.is_first
        assert processes.from_first("here") == "here"
