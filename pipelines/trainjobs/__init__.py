"""A TrainJob of Kubeflow Trainer: the document (`manifest`) and the way to the cluster (`client`)."""
