"""Objects that clients send as protobuf: those that kubectl's `create` subcommands make.

Answers are always JSON, which such clients take as well. Field numbers from the `generated.proto` files of
k8s.io/api and k8s.io/apimachinery 0.34.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from provision.sandbox.azure import Json
from provision.sandbox.kubernetes.refusals import bad_request, unsupported_media

MEDIA = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\0"

_Fields = Mapping[int, tuple[str, str]]
"""Number → JSON name and type: `text`, `int`, `bool`, `bytes` or a message of the table. `[]` before it
repeats, `{}` maps text to it. A message without a name is inlined."""

_MESSAGES: Mapping[str, _Fields] = {
    "ObjectMeta": {
        1: ("name", "text"),
        2: ("generateName", "text"),
        3: ("namespace", "text"),
        5: ("uid", "text"),
        6: ("resourceVersion", "text"),
        11: ("labels", "{}text"),
        12: ("annotations", "{}text"),
        14: ("finalizers", "[]text"),
    },
    "v1/Namespace": {1: ("metadata", "ObjectMeta"), 2: ("spec", "NamespaceSpec"), 3: ("status", "Nothing")},
    "NamespaceSpec": {1: ("finalizers", "[]text")},
    "v1/ConfigMap": {
        1: ("metadata", "ObjectMeta"),
        2: ("data", "{}text"),
        3: ("binaryData", "{}bytes"),
        4: ("immutable", "bool"),
    },
    "v1/Secret": {
        1: ("metadata", "ObjectMeta"),
        2: ("data", "{}bytes"),
        3: ("type", "text"),
        4: ("stringData", "{}text"),
        5: ("immutable", "bool"),
    },
    "v1/ServiceAccount": {1: ("metadata", "ObjectMeta"), 4: ("automountServiceAccountToken", "bool")},
    "v1/Service": {1: ("metadata", "ObjectMeta"), 2: ("spec", "ServiceSpec"), 3: ("status", "Nothing")},
    "ServiceSpec": {
        1: ("ports", "[]ServicePort"),
        2: ("selector", "{}text"),
        3: ("clusterIP", "text"),
        4: ("type", "text"),
        5: ("externalIPs", "[]text"),
        7: ("sessionAffinity", "text"),
        8: ("loadBalancerIP", "text"),
        9: ("loadBalancerSourceRanges", "[]text"),
        10: ("externalName", "text"),
        11: ("externalTrafficPolicy", "text"),
    },
    "ServicePort": {
        1: ("name", "text"),
        2: ("protocol", "text"),
        3: ("port", "int"),
        4: ("targetPort", "IntOrString"),
        5: ("nodePort", "int"),
    },
    "networking.k8s.io/v1/Ingress": {
        1: ("metadata", "ObjectMeta"),
        2: ("spec", "IngressSpec"),
        3: ("status", "Nothing"),
    },
    "IngressSpec": {
        1: ("defaultBackend", "IngressBackend"),
        2: ("tls", "[]IngressTLS"),
        3: ("rules", "[]IngressRule"),
        4: ("ingressClassName", "text"),
    },
    "IngressTLS": {1: ("hosts", "[]text"), 2: ("secretName", "text")},
    "IngressRule": {1: ("host", "text"), 2: ("", "IngressRuleValue")},
    "IngressRuleValue": {1: ("http", "IngressPaths")},
    "IngressPaths": {1: ("paths", "[]IngressPath")},
    "IngressPath": {1: ("path", "text"), 2: ("backend", "IngressBackend"), 3: ("pathType", "text")},
    "IngressBackend": {4: ("service", "IngressService")},
    "IngressService": {1: ("name", "text"), 2: ("port", "IngressPort")},
    "IngressPort": {1: ("name", "text"), 2: ("number", "int")},
    "apps/v1/Deployment": {
        1: ("metadata", "ObjectMeta"),
        2: ("spec", "DeploymentSpec"),
        3: ("status", "Nothing"),
    },
    "DeploymentSpec": {
        1: ("replicas", "int"),
        2: ("selector", "LabelSelector"),
        3: ("template", "PodTemplate"),
        4: ("strategy", "Nothing"),
        5: ("minReadySeconds", "int"),
    },
    "LabelSelector": {1: ("matchLabels", "{}text")},
    "PodTemplate": {1: ("metadata", "ObjectMeta"), 2: ("spec", "PodSpec")},
    "PodSpec": {2: ("containers", "[]Container")},
    "Container": {
        1: ("name", "text"),
        2: ("image", "text"),
        3: ("command", "[]text"),
        4: ("args", "[]text"),
        6: ("ports", "[]ContainerPort"),
    },
    "ContainerPort": {1: ("name", "text"), 3: ("containerPort", "int"), 4: ("protocol", "text")},
    "v1/DeleteOptions": {
        1: ("gracePeriodSeconds", "int"),
        2: ("preconditions", "Preconditions"),
        4: ("propagationPolicy", "text"),
        5: ("dryRun", "[]text"),
    },
    "Preconditions": {1: ("uid", "text"), 2: ("resourceVersion", "text")},
    "Nothing": {},
}


def decode(content: bytes) -> Json:
    """The object in a body of `MEDIA`; 415 for a kind that is not in the table."""
    if not content.startswith(_MAGIC):
        raise bad_request("the body does not begin as Kubernetes protobuf does")
    try:
        envelope = dict(_fields(content[len(_MAGIC) :]))
        meta = {number: value.decode() for number, value in _fields(envelope[1])}
        name = f"{meta[1]}/{meta[2]}"
        if name not in _MESSAGES:
            raise unsupported_media(["application/json", "application/yaml"])
        return {"apiVersion": meta[1], "kind": meta[2], **_message(name, envelope.get(2, b""))}
    except (IndexError, KeyError, UnicodeDecodeError, AttributeError) as error:
        raise bad_request("the body cannot be read as Kubernetes protobuf") from error


def _message(name: str, content: bytes) -> Json:
    """A message as JSON; what Go leaves at its zero value is left out, as its JSON would."""
    if name == "IntOrString":
        return _int_or_string(content)
    found: Json = {}
    for number, value in _fields(content):
        key, type_ = _MESSAGES[name].get(number, ("", "Nothing"))
        if type_.startswith("[]"):
            found.setdefault(key, []).append(_value(type_[2:], value))
        elif type_.startswith("{}"):
            entry = dict(_fields(value))
            found.setdefault(key, {})[entry[1].decode()] = _value(type_[2:], entry.get(2, b""))
        else:
            read = _value(type_, value)
            if not key:
                found |= read
            elif read or key == "replicas":
                found[key] = read
    return found


def _value(type_: str, value: Any) -> Any:
    if type_ == "text":
        return value.decode()
    if type_ == "bytes":
        return base64.b64encode(value).decode()
    if type_ == "bool":
        return bool(value)
    if type_ == "int":
        return value
    read = _message(type_, value) if isinstance(value, bytes) else {}
    return read.get("value") if type_ == "IntOrString" else read


def _int_or_string(content: bytes) -> Json:
    fields = dict(_fields(content))
    return {"value": fields.get(3, b"").decode() if fields.get(1) else fields.get(2, 0)}


def _fields(content: bytes) -> Iterator[tuple[int, Any]]:
    """Number and value of each field: bytes, or an int."""
    at = 0
    while at < len(content):
        tag, at = _varint(content, at)
        wire = tag & 7
        if wire == 0:
            value, at = _varint(content, at)
            yield tag >> 3, value
        elif wire == 2:
            length, at = _varint(content, at)
            yield tag >> 3, content[at : at + length]
            at += length
        else:
            at += 8 if wire == 1 else 4


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
