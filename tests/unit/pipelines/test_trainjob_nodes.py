"""The TrainJob's own command on two "nodes" of this machine, each told its place as Kubeflow Trainer tells a pod."""

import os
import socket
import subprocess
import sys
from dataclasses import replace

import pytest

from leftright import results
from pipelines.steps import trainjob
from tests.packed_world import write_packed_world
from tests.pretrain_runs import CONFIG, flags_of
from tests.unit.pipelines.stub_kubernetes import COMPLETE, RUNNING, condition


class Nodes:
    """What the controller does with a TrainJob: one process a node with the variables of its runtime for torch."""

    def __init__(self, trainers):
        self.trainers, self.processes = trainers, []
        trainers.train, trainers.on_get = self.start, self.look

    def start(self, job):
        trainer = job["spec"]["trainer"]
        command = [sys.executable if word == "python" else word for word in trainer["command"]] + trainer["args"]
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        given = {variable["name"]: variable["value"] for variable in trainer["env"]}
        given |= {"PET_NNODES": str(trainer["numNodes"]), "PET_NPROC_PER_NODE": str(trainer["numProcPerNode"])}
        given |= {"PET_MASTER_ADDR": "127.0.0.1", "PET_MASTER_PORT": str(port)}
        for rank in range(trainer["numNodes"]):
            environment = os.environ | given | {"PET_NODE_RANK": str(rank)}
            self.processes.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True))

    def look(self):
        ends = [process.poll() for process in self.processes]
        if any(ends):
            self.trainers.statuses = [{"conditions": [condition("Failed", str(ends))]}]
        else:
            self.trainers.statuses = [RUNNING if None in ends else COMPLETE]


@pytest.mark.slow
def test_two_nodes_train_one_model(trainers, tmp_path, monkeypatch):
    monkeypatch.setenv("LEFTRIGHT_TRACKING", "none")
    config = replace(CONFIG, num_steps=4, eval_steps=2)
    packed = write_packed_world(tmp_path / "pack", num_channels=5)
    (tmp_path / "shared").mkdir()
    nodes = Nodes(trainers)
    try:
        trainjob.run(
            image="registry.example.org/leftright-pretrain:0.1.0",
            run_name="two nodes",
            num_nodes=2,
            gpus_per_node=0,
            cpus_per_node=1,
            memory_per_node="1Gi",
            command=tuple(flags_of(config)),
            shards=(packed,),
            out=tmp_path / "out",
            metrics=tmp_path / "pretrain.json",
            claim="leftright-nodes",
            mount=tmp_path / "shared",
            deadline_s=600,
        )
    finally:
        for process in nodes.processes:
            process.kill()
            print(process.communicate()[1])
    values = results.read(tmp_path / "pretrain.json")
    assert values["flip.samples_seen"].value == 4 * CONFIG.batch_size
    assert (tmp_path / "out" / "flip" / "model.pt").is_file()
    assert list((tmp_path / "shared").iterdir()) == []
