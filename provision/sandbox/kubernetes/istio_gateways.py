"""What Istio's validation has against a Gateway. See `istio_webhook` for the source."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from provision.sandbox.azure import Json

_LABEL = r"[a-zA-Z0-9](?:[-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?"
_WILD_LABEL = re.compile(rf"\*|\*?{_LABEL}|\*-{_LABEL}")
_TLS_PROTOCOLS = ("HTTPS", "TLS")
_HTTP_PROTOCOLS = ("HTTP", "HTTP2", "GRPC", "GRPC-WEB")
_PROTOCOLS = (*_HTTP_PROTOCOLS, *_TLS_PROTOCOLS, "TCP", "UDP", "MONGO", "REDIS", "MYSQL")
PASSING = ("PASSTHROUGH", "AUTO_PASSTHROUGH")
TERMINATING = ("SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL")


def problems(gateway: Json) -> list[str]:
    """What is wrong, each as Istio words it."""
    return list(_problems(gateway))


def mode_of(server: Json) -> str:
    """The TLS mode of a server with TLS settings; the first of the enumeration when it names none."""
    return str(server["tls"].get("mode") or "PASSTHROUGH")


def is_label(text: str) -> bool:
    """Whether a text is a DNS-1123 label, in any case."""
    return re.fullmatch(_LABEL, text) is not None


def is_http(protocol: str) -> bool:
    """Whether Istio takes a protocol for plain HTTP; the case does not matter."""
    return protocol.upper() in _HTTP_PROTOCOLS


def is_tls(protocol: str) -> bool:
    return protocol.upper() in _TLS_PROTOCOLS


def port_problems(number: int) -> Iterator[str]:
    if not 1 <= number <= 65535:
        yield f"port number {number} must be in the range 1..65535"


def domain_problems(domain: str, *, wild: bool = True) -> Iterator[str]:
    """What is wrong with a domain name whose first label may be or begin with `*`."""
    if not domain or len(domain) > 255:
        yield f'domain name "{domain}" too long (max 255)' if domain else "empty domain name not allowed"
        return
    labels = domain.removesuffix(".").split(".")
    for position, label in enumerate(labels):
        allowed = _WILD_LABEL.fullmatch(label) if wild and position == 0 else is_label(label)
        if not allowed:
            name = domain if position == 0 or not wild else domain.partition(".")[2]
            yield f'domain name "{name}" invalid (label "{label}" invalid)'
            return


def _problems(gateway: Json) -> Iterator[str]:
    name, spec = gateway["metadata"].get("name", ""), gateway.get("spec") or {}
    if not is_label(name):
        yield f'invalid gateway name: "{name}"'
    servers = spec.get("servers") or []
    if not servers:
        yield "gateway must have at least one server"
    for server in servers:
        yield from _server_problems(server)
    seen: set[str] = set()
    for server in servers:
        port = server["port"]["name"]
        if port in seen:
            yield f"port names in servers must be unique: duplicate name {port}"
        seen.add(port)


def _server_problems(server: Json) -> Iterator[str]:
    if not server["hosts"]:
        yield "server config must contain at least one host"
    for host in server["hosts"]:
        yield from _host_problems(host)
    port, tls = server["port"], server.get("tls")
    found = list(_server_port_problems(port))
    yield from found
    if tls is not None:
        yield from _tls_problems(tls, mode_of(server))
    if found:
        return
    if is_tls(port["protocol"]) and tls is None:
        yield "server must have TLS settings for HTTPS/TLS protocols"
    elif tls is not None and is_http(port["protocol"]):
        own = any(tls.get(field) for field in ("caCertificates", "privateKey", "serverCertificate"))
        if mode_of(server) not in PASSING or own:
            yield "server cannot have TLS settings for plain text HTTP ports"
    elif tls is not None and not is_tls(port["protocol"]):
        yield "server cannot have TLS settings for non HTTPS/TLS ports"


def _server_port_problems(port: Json) -> Iterator[str]:
    if port["protocol"].upper() not in _PROTOCOLS:
        yield (
            f'invalid protocol "{port["protocol"]}", supported protocols are HTTP, HTTP2, GRPC, GRPC-WEB,'
            " MONGO, REDIS, MYSQL, TCP"
        )
    yield from port_problems(port["number"])
    if port.get("targetPort"):
        yield "targetPort has no impact on Gateways"
    if not port["name"]:
        yield f'port name must be set: number:{port["number"]} protocol:"{port["protocol"]}"'


def _host_problems(text: str) -> Iterator[str]:
    namespace, slash, host = text.partition("/")
    if not slash:
        yield from _host_name_problems(text)
        return
    if not namespace or not host:
        yield "config namespace and dnsName in host entry cannot be empty"
    if namespace not in ("*", ".") and not is_label(namespace):
        yield f'invalid namespace value "{namespace}" in gateway'
    yield from _host_name_problems(host)


def _host_name_problems(host: str) -> Iterator[str]:
    if host != "*" and "." not in host:
        yield "short names (non FQDN) are not allowed"
    if not _is_address(host):
        yield from domain_problems(host)
    if "*" in host and host != "*" and not host.startswith("*."):
        yield f'partial wildcard "{host}" not allowed'


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _tls_problems(tls: Json, mode: str) -> Iterator[str]:
    if mode == "ISTIO_MUTUAL":
        for field, what in _OF_THE_MESH.items():
            if tls.get(field):
                yield f"ISTIO_MUTUAL TLS cannot have associated {what}"
        return
    pair = tls.get("serverCertificate") and tls.get("privateKey")
    named = tls.get("credentialName") or tls.get("credentialNames")
    sources = [pair, tls.get("credentialName"), tls.get("credentialNames"), tls.get("tlsCertificates")]
    if sum(bool(each) for each in sources) > 1:
        yield (
            "only one of credential_name, credential_names, server_certificate/private_key, tls_certificates"
            " should be specified"
        )
    if mode in TERMINATING and not named:
        yield from _file_problems(tls, "SIMPLE TLS" if mode == "SIMPLE" else "MUTUAL TLS")


_OF_THE_MESH = {
    "serverCertificate": "server certificate",
    "privateKey": "private key",
    "caCertificates": "CA bundle",
    "tlsCertificates": "tlsCertificates",
    "credentialName": "credentialName",
    "credentialNames": "credentialNames",
}


def _file_problems(tls: Json, prefix: str) -> Iterator[str]:
    """Without a credential, certificates must be files in the gateway's pods."""
    if prefix == "MUTUAL TLS" and not tls.get("caCertificates"):
        yield f"{prefix} requires a client CA bundle"
    for pair in tls.get("tlsCertificates") or [tls]:
        if not pair.get("serverCertificate"):
            yield f"{prefix} requires a server certificate"
        if not pair.get("privateKey"):
            yield f"{prefix} requires a private key"
