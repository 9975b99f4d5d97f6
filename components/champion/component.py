"""The component `champion`: fetch the model in use and the record of what it was made from."""

from kfp import dsl
from kfp.dsl import Dataset, Model, Output

from components import task


@dsl.container_component
def champion(model_name: str, model: Output[Model], record: Output[Dataset]) -> dsl.ContainerSpec:
    """Fetch the champion of a registered model.

    Args:
        model_name: the registered model in MLflow.
        model: folder with model.pt, and champion.json, whose version is null where there is no champion yet.
        record: folder that says which clips the champion and the last version were made from.
    """
    return task.step("champion", locals())
