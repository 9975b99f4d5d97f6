"""What must hold of the documents that an overlay of deploy/ builds to: each check returns its complaints, one line each."""

import itertools
import re

import kubernetes_validate

OLDEST, NEWEST = "1.30", "1.37"
SECRET_NAME = re.compile(r"PASSWORD|SECRET|TOKEN|ACCESS_KEY|CREDENTIAL", re.IGNORECASE)
SECRET_IN_URI = re.compile(r"://[^/\s]*:[^/\s]*@")


def name_of(document):
    return f"{document['kind']} {document['metadata']['name']}"


def of_kind(documents, *kinds):
    return [document for document in documents if document["kind"] in kinds]


def workloads(documents):
    return of_kind(documents, "Deployment", "StatefulSet", "Job")


def pod_of(workload):
    return workload["spec"]["template"]


def containers_of(workload):
    spec = pod_of(workload)["spec"]
    return spec.get("initContainers", []) + spec["containers"]


def schema(documents):
    """Kubernetes' own schemas, of the oldest and newest version; an unknown field is a complaint."""
    for document, version in itertools.product(documents, (OLDEST, NEWEST)):
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            where = ".".join(str(part) for part in error.path)
            yield f"{name_of(document)}, Kubernetes {version}: {where}: {error.message}"


def images(documents):
    for workload in workloads(documents):
        for container in containers_of(workload):
            name, _, tag = container["image"].rpartition(":")
            if not name or "/" in tag or tag == "latest":
                yield f"{name_of(workload)}: {container['image']} has no tag, or one that moves"


def selectors(documents):
    pods = [pod_of(workload)["metadata"]["labels"].items() for workload in workloads(documents)]
    for workload in of_kind(documents, "Deployment", "StatefulSet"):
        if not workload["spec"]["selector"]["matchLabels"].items() <= pod_of(workload)["metadata"]["labels"].items():
            yield f"{name_of(workload)}: its selector does not match its pods"
    selected = [(service, service["spec"]["selector"]) for service in of_kind(documents, "Service")] + [
        (policy, policy["spec"]["podSelector"]["matchLabels"]) for policy in of_kind(documents, "NetworkPolicy")
    ]
    for document, labels in selected:
        if not any(labels.items() <= pod for pod in pods):
            yield f"{name_of(document)}: selects no pod"


def _ports_of(documents, labels):
    for workload in workloads(documents):
        if labels.items() <= pod_of(workload)["metadata"]["labels"].items():
            for port in itertools.chain.from_iterable(each.get("ports", []) for each in containers_of(workload)):
                yield from (port["containerPort"], port.get("name"))


def ports(documents):
    for service in of_kind(documents, "Service"):
        there = list(_ports_of(documents, service["spec"]["selector"]))
        for port in service["spec"]["ports"]:
            if port.get("targetPort", port["port"]) not in there:
                yield f"{name_of(service)}: no pod has the port {port.get('targetPort', port['port'])}"
    for policy in of_kind(documents, "NetworkPolicy"):
        there = list(_ports_of(documents, policy["spec"]["podSelector"]["matchLabels"]))
        for port in itertools.chain.from_iterable(rule["ports"] for rule in policy["spec"]["ingress"]):
            if port["port"] not in there:
                yield f"{name_of(policy)}: no pod has the port {port['port']}"
    for workload in workloads(documents):
        for container in containers_of(workload):
            there = [
                value for port in container.get("ports", []) for value in (port["containerPort"], port.get("name"))
            ]
            for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
                if (probe := container.get(kind, {}).get("httpGet")) and probe["port"] not in there:
                    yield f"{name_of(workload)}: {kind} asks at {probe['port']}, which is no port of it"


def secret_values(documents):
    """No Secret, no literal value under a name that sounds like one, no password in an address."""
    for document in of_kind(documents, "Secret"):
        yield f"{name_of(document)}: secrets are made on the cluster, not built"
    for workload in workloads(documents):
        for container in containers_of(workload):
            for variable in container.get("env", []):
                value = variable.get("value", "")
                if value and (SECRET_NAME.search(variable["name"]) or SECRET_IN_URI.search(value)):
                    yield f"{name_of(workload)}: {variable['name']} holds its value"
    for document in of_kind(documents, "ConfigMap"):
        for key, value in document["data"].items():
            if SECRET_NAME.search(key) or SECRET_IN_URI.search(value):
                yield f"{name_of(document)}: {key} holds its value"


def secret_references(documents):
    """The (name, key) of every secret that a pod takes a value from."""
    found = set()
    for workload in workloads(documents):
        for variable in itertools.chain.from_iterable(each.get("env", []) for each in containers_of(workload)):
            reference = variable.get("valueFrom", {}).get("secretKeyRef")
            if reference:
                found.add((reference["name"], reference["key"]))
    return found


def references(documents):
    """Configuration, claims and service accounts that pods name are there, or are Kubeflow's."""
    there = {(document["kind"], document["metadata"]["name"]) for document in documents}
    for workload in workloads(documents):
        spec = pod_of(workload)["spec"]
        named = {
            ("ConfigMap", source["configMapRef"]["name"])
            for each in spec["containers"]
            for source in each.get("envFrom", [])
        }
        named |= {
            ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"])
            for volume in spec.get("volumes", [])
            if "persistentVolumeClaim" in volume
        }
        if "serviceAccountName" in spec:
            named.add(("ServiceAccount", spec["serviceAccountName"]))
        for kind, name in sorted(named - there):
            yield f"{name_of(workload)}: there is no {kind} {name}"
        volumes = {volume["name"] for volume in spec.get("volumes", [])}
        volumes |= {claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", [])}
        for container in containers_of(workload):
            for mount in container.get("volumeMounts", []):
                if mount["name"] not in volumes:
                    yield f"{name_of(workload)}: there is no volume {mount['name']}"


def variables(documents):
    """`$(NAME)` in a command is a variable that the container has: Kubernetes would leave the text as it stands."""
    data = {document["metadata"]["name"]: document["data"] for document in of_kind(documents, "ConfigMap")}
    for workload in workloads(documents):
        for container in containers_of(workload):
            there = {variable["name"] for variable in container.get("env", [])}
            for source in container.get("envFrom", []):
                there |= set(data.get(source["configMapRef"]["name"], {}))
            for word in container.get("command", []) + container.get("args", []):
                for name in re.findall(r"\$\(([^)]*)\)", word):
                    if name not in there:
                        yield f"{name_of(workload)}: {word}: no variable {name}"


def subjects(documents):
    """An account without a namespace, or of another one, would be given nothing; the API server refuses the former."""
    roles = {role["metadata"]["name"] for role in of_kind(documents, "Role")}
    for binding in of_kind(documents, "RoleBinding"):
        if binding["roleRef"]["name"] not in roles:
            yield f"{name_of(binding)}: there is no Role {binding['roleRef']['name']}"
        for subject in binding["subjects"]:
            if subject.get("namespace") != binding["metadata"]["namespace"]:
                yield f"{name_of(binding)}: {subject['name']} is not of namespace {binding['metadata']['namespace']}"


def restrictions(documents):
    """What the `restricted` pod security standard asks for, and a root file system that is read only."""
    for workload in workloads(documents):
        pod = pod_of(workload)["spec"].get("securityContext", {})
        if not pod.get("runAsNonRoot") or pod.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{name_of(workload)}: may run as root, or without a seccomp profile"
        for container in containers_of(workload):
            own = container.get("securityContext", {})
            held = (own.get("allowPrivilegeEscalation"), own.get("readOnlyRootFilesystem"), own.get("capabilities"))
            if held != (False, True, {"drop": ["ALL"]}):
                yield f"{name_of(workload)}: {container['name']} may gain privileges or write to its image"
            if not {"cpu", "memory"} <= set(container.get("resources", {}).get("requests", {})):
                yield f"{name_of(workload)}: {container['name']} does not say what it needs"


def hosts(documents):
    """The MLflow server answers to every name that its Service has; it refuses all names that it is not told."""
    (service,) = [each for each in of_kind(documents, "Service") if each["metadata"]["name"] == "mlflow"]
    (settings,) = [
        each["data"] for each in of_kind(documents, "ConfigMap") if "mlflow-server" in each["metadata"]["name"]
    ]
    (tracking,) = [each["data"] for each in of_kind(documents, "ConfigMap") if "tracking" in each["metadata"]["name"]]
    allowed = settings["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")
    namespace, port = service["metadata"]["namespace"], service["spec"]["ports"][0]["port"]
    wanted = [
        f"mlflow{rest}:{port}" for rest in ("", f".{namespace}", f".{namespace}.svc", f".{namespace}.svc.cluster.local")
    ]
    for host in (*wanted, tracking["MLFLOW_TRACKING_URI"].removeprefix("http://"), "localhost:*"):
        if host not in allowed:
            yield f"MLFLOW_SERVER_ALLOWED_HOSTS lacks {host}"


CHECKS = (schema, images, selectors, ports, secret_values, references, variables, subjects, restrictions, hosts)
CHECKS_OF_WORKLOADS = (schema, images, secret_values, references, variables, restrictions)
