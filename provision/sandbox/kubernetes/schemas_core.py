"""Schemas of the built-in kinds of the core group and of workloads, as far as ingress has to do with them.

Source: the OpenAPI document of Kubernetes 1.32, list and map types included.
"""

from __future__ import annotations

from provision.sandbox.http import Json
from provision.sandbox.kubernetes.shapes import (
    BOOLEAN,
    INT_OR_STRING,
    PRESERVED,
    array,
    atomic,
    defaulted,
    integer,
    mapping,
    partial,
    record,
    text,
)

_PORT_NUMBER = integer(least=1, most=65535)

CONDITION = record(
    type=text(),
    status=text(),
    reason=text(),
    message=text(),
    observedGeneration=integer(form="int64"),
    lastTransitionTime=text(form="date-time"),
    lastUpdateTime=text(form="date-time"),
    lastProbeTime=text(form="date-time"),
    lastHeartbeatTime=text(form="date-time"),
)

CONDITIONS = array(CONDITION, keys=["type"])

_SERVICE_PORT = record(
    ["port"],
    name=text(),
    protocol=text(values=["SCTP", "TCP", "UDP"], default="TCP"),
    port=_PORT_NUMBER,
    targetPort=INT_OR_STRING,
    nodePort=integer(least=0, most=65535),
    appProtocol=text(),
)

LOAD_BALANCER = record(
    ingress=array(
        record(
            ip=text(),
            ipMode=text(values=["Proxy", "VIP"]),
            hostname=text(),
            ports=array(record(port=_PORT_NUMBER, protocol=text(), error=text())),
        )
    )
)
"""The `status.loadBalancer` of a Service or Ingress."""

SERVICE = record(
    spec=record(
        type=text(values=["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"], default="ClusterIP"),
        selector=atomic(mapping(text())),
        ports=array(_SERVICE_PORT, keys=["port", "protocol"]),
        clusterIP=text(),
        clusterIPs=array(text()),
        ipFamilies=array(text(values=["IPv4", "IPv6"])),
        ipFamilyPolicy=text(values=["PreferDualStack", "RequireDualStack", "SingleStack"]),
        externalIPs=array(text()),
        externalName=text(),
        externalTrafficPolicy=text(values=["Cluster", "Local"]),
        internalTrafficPolicy=text(values=["Cluster", "Local"], default="Cluster"),
        healthCheckNodePort=integer(),
        loadBalancerIP=text(),
        loadBalancerClass=text(),
        loadBalancerSourceRanges=array(text()),
        allocateLoadBalancerNodePorts=BOOLEAN,
        publishNotReadyAddresses=BOOLEAN,
        sessionAffinity=text(values=["ClientIP", "None"], default="None"),
        sessionAffinityConfig=record(clientIP=record(timeoutSeconds=integer(least=1, most=86400))),
        trafficDistribution=text(),
    ),
    status=record(loadBalancer=LOAD_BALANCER, conditions=CONDITIONS),
)

NAMESPACE = record(
    spec=record(finalizers=array(text())),
    status=record(phase=text(), conditions=CONDITIONS),
)

SERVICE_ACCOUNT = record(
    secrets=array(PRESERVED, keys=["name"]),
    imagePullSecrets=array(atomic(record(name=text(default=""))), keys=["name"]),
    automountServiceAccountToken=BOOLEAN,
)

SECRET = record(
    type=text(default="Opaque"),
    data=mapping(text()),
    stringData=mapping(text()),
    immutable=BOOLEAN,
)

CONFIG_MAP = record(data=mapping(text()), binaryData=mapping(text()), immutable=BOOLEAN)

_REFERENCE = atomic(
    record(
        kind=text(),
        namespace=text(),
        name=text(),
        uid=text(),
        apiVersion=text(),
        resourceVersion=text(),
        fieldPath=text(),
    )
)

EVENT = partial(
    record(
        involvedObject=_REFERENCE,
        related=_REFERENCE,
        reason=text(),
        message=text(),
        type=text(),
        count=integer(),
        source=record(component=text(), host=text()),
        firstTimestamp=text(form="date-time") | {"nullable": True},
        lastTimestamp=text(form="date-time") | {"nullable": True},
        eventTime=text(form="date-time") | {"nullable": True},
        reportingComponent=text(),
        reportingInstance=text(),
    )
)

_CONTAINER = partial(
    record(
        ["name"],
        name=text(),
        image=text(),
        env=array(PRESERVED, keys=["name"]),
        ports=array(
            partial(record(["containerPort"], containerPort=_PORT_NUMBER, protocol=text(default="TCP"))),
            keys=["containerPort", "protocol"],
        ),
        volumeMounts=array(PRESERVED, keys=["mountPath"]),
    )
)

_POD_SPEC = partial(
    record(
        containers=array(_CONTAINER, keys=["name"]),
        initContainers=array(_CONTAINER, keys=["name"]),
        volumes=array(PRESERVED, keys=["name"]),
        imagePullSecrets=array(PRESERVED, keys=["name"]),
        nodeSelector=atomic(mapping(text())),
    )
)

POD = record(spec=_POD_SPEC, status=partial(record(conditions=CONDITIONS)))

NODE = record(spec=partial(record(podCIDRs=array(text(), unique=True))), status=partial(record()))

SELECTOR = atomic(
    record(
        matchLabels=mapping(text()),
        matchExpressions=array(
            record(["key", "operator"], key=text(), operator=text(), values=array(text()))
        ),
    )
)
"""metav1.LabelSelector."""

DEPLOYMENT = record(
    spec=partial(
        record(
            ["selector", "template"],
            replicas=integer(least=0, default=1),
            selector=SELECTOR,
            template=record(metadata=PRESERVED, spec=_POD_SPEC),
        )
    ),
    status=partial(record(conditions=CONDITIONS)),
)

DAEMON_SET = record(
    spec=partial(
        record(
            ["selector", "template"], selector=SELECTOR, template=record(metadata=PRESERVED, spec=_POD_SPEC)
        )
    ),
    status=partial(record(conditions=CONDITIONS)),
)

AUTOSCALER = record(
    spec=partial(
        record(
            ["maxReplicas", "scaleTargetRef"],
            scaleTargetRef=record(["kind", "name"], apiVersion=text(), kind=text(), name=text()),
            minReplicas=integer(least=1, default=1),
            maxReplicas=integer(least=1),
            metrics=array(PRESERVED),
        )
    ),
    status=partial(record(conditions=CONDITIONS)),
)

DISRUPTION_BUDGET = record(
    spec=record(
        selector=SELECTOR,
        minAvailable=INT_OR_STRING,
        maxUnavailable=INT_OR_STRING,
        unhealthyPodEvictionPolicy=text(values=["AlwaysAllow", "IfHealthyBudget"]),
    ),
    status=partial(record(conditions=CONDITIONS)),
)

CUSTOM_RESOURCE_DEFINITION: Json = record(
    ["spec"],
    spec=partial(
        record(
            ["group", "names", "scope", "versions"],
            group=text(),
            scope=text(values=["Cluster", "Namespaced"]),
            names=record(
                ["kind", "plural"],
                kind=text(),
                listKind=text(),
                plural=text(),
                singular=text(),
                shortNames=array(text()),
                categories=array(text()),
            ),
            versions=array(
                partial(record(["name", "served", "storage"], name=text(), served=BOOLEAN, storage=BOOLEAN)),
                least=1,
            ),
            conversion=defaulted(PRESERVED, {"strategy": "None"}),
        )
    ),
    status=partial(record(conditions=CONDITIONS)),
)
