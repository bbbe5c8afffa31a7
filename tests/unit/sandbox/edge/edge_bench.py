"""A state with zones, a cluster and its objects, and the edge that serves them on loopback."""

from __future__ import annotations

import asyncio
import base64
import ssl
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dns.asyncquery
import dns.message
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from dns.rdatatype import RdataType

from provision.sandbox import dns as public_dns
from provision.sandbox import dns_records, managed_clusters, private_dns
from provision.sandbox.azure import SUBSCRIPTION, Azure, Clock, Json
from provision.sandbox.dns_flavours import PRIVATE, PUBLIC
from provision.sandbox.edge import Edge
from provision.sandbox.kubernetes import crds, kinds
from provision.sandbox.kubernetes.objects import Cluster, Kind
from provision.sandbox.private_dns_links import LINK
from provision.sandbox.store import Store

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-dns"
CLOSED = 9
"""Loopback's discard port, where nothing listens: the sandbox itself is not part of these tests."""


class Contents:
    """Writes what the edge is to serve, as Azure and the add-ons would."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.azure = Azure(Store(state), Clock())
        document = managed_clusters.new_cluster(self.azure, SUBSCRIPTION, "rg-aks", "aks", "westeurope")
        self.cluster = Cluster(self.azure, document["properties"]["resourceUID"])

    def zone(self, name: str, group: str = "rg-dns") -> Json:
        return public_dns.new_zone(self.azure, SUBSCRIPTION, group, name)

    def private_zone(self, name: str, *, linked: bool = True) -> Json:
        zone = private_dns.new_zone(self.azure, f"{GROUP}/providers/{PRIVATE.kind}/{name}")
        if linked:
            self.azure.store.put(LINK, f"{zone['id']}/virtualNetworkLinks/hub", {"name": "hub"})
        return zone

    def record(self, zone: Json, kind: str, name: str, *values: Json, ttl: int = 300, **more: object) -> None:
        """A record set; a CNAME's only value is not put into a list."""
        flavour = PRIVATE if "/privateDnsZones/" in zone["id"] else PUBLIC
        content = values[0] if kind == "CNAME" and values else list(values)
        properties = {flavour.ttl: ttl, flavour.fields[kind]: content, **more}
        dns_records.new_record_set(self.azure, flavour, zone, kind, name, properties)

    def address(self, zone: Json, name: str, address: str) -> None:
        self.record(zone, "A", name, {"ipv4Address": address})

    def put(
        self, kind: Kind, name: str, namespace: str = "", *, more: Json | None = None, **body: object
    ) -> Json:
        """Any object; `more` goes into its metadata."""
        metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
        return self.cluster.put(kind, {**body, "metadata": {**(more or {}), **metadata}})

    def service(self, name: str, namespace: str, *ports: int, address: str = "", policy: str = "") -> Json:
        """A Service, of type LoadBalancer when it has an address."""
        spec: Json = {"ports": [{"port": port, "name": f"port-{port}"} for port in ports]}
        if policy:
            spec["externalTrafficPolicy"] = policy
        status = {"loadBalancer": {"ingress": [{"ip": address}]}} if address else {}
        return self.put(kinds.SERVICE, name, namespace, spec=spec, status=status)

    def secret(self, name: str, namespace: str, *hosts: str) -> Pair:
        pair = certificate(*hosts)
        data = {
            "tls.crt": base64.b64encode(pair.certificate).decode(),
            "tls.key": base64.b64encode(pair.key).decode(),
        }
        self.put(kinds.SECRET, name, namespace, type="kubernetes.io/tls", data=data)
        return pair

    def gateway(self, address: str, *listeners: Json, name: str = "web", namespace: str = "shop") -> Json:
        """A Gateway that has its address, and the Service that holds it."""
        ports = sorted({listener["port"] for listener in listeners})
        self.service(f"{name}-approuting-istio", namespace, *ports, address=address, policy="Local")
        spec = {"gatewayClassName": "approuting-istio", "listeners": list(listeners)}
        status = {"addresses": [{"type": "IPAddress", "value": address}]}
        return self.put(crds.GATEWAY, name, namespace, spec=spec, status=status)

    def route(
        self, name: str, *rules: Json, hosts: tuple[str, ...] = (), namespace: str = "shop", **parent: object
    ) -> Json:
        spec: Json = {"parentRefs": [{"name": "web", **parent}], "rules": list(rules)}
        if hosts:
            spec["hostnames"] = list(hosts)
        return self.put(crds.HTTP_ROUTE, name, namespace, spec=spec)

    def controller(self, address: str, **spec: object) -> None:
        """The default NGINX controller of the app routing add-on."""
        self.service("nginx", "app-routing-system", 80, 443, address=address)
        service = {"kind": "Service", "name": "nginx", "namespace": "app-routing-system", "apiGroup": ""}
        self.put(
            crds.NGINX_INGRESS_CONTROLLER,
            "default",
            spec={"ingressClassName": CLASS, "controllerNamePrefix": "nginx", **spec},
            status={"managedResourceRefs": [service]},
        )

    def ingress(self, name: str, *rules: Json, tls: Json | None = None, **annotations: str) -> Json:
        """`annotations` are those of ingress-nginx, with `_` for `-`."""
        spec: Json = {"ingressClassName": CLASS, "rules": list(rules), **({"tls": [tls]} if tls else {})}
        noted = {
            f"nginx.ingress.kubernetes.io/{each.replace('_', '-')}": annotations[each] for each in annotations
        }
        return self.put(kinds.INGRESS, name, "shop", spec=spec, more={"annotations": noted})


CLASS = "webapprouting.kubernetes.azure.com"


@dataclass(frozen=True)
class Pair:
    certificate: bytes
    key: bytes

    @property
    def der(self) -> bytes:
        return ssl.PEM_cert_to_DER_cert(self.certificate.decode())


def certificate(*hosts: str) -> Pair:
    """A self-signed certificate, as Key Vault's issuer Self makes them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Pair(made.public_bytes(Encoding.PEM), private)


def backend(name: str, port: int = 80, **more: object) -> Json:
    return {"name": name, "port": port, **more}


def listener(name: str, port: int, protocol: str = "HTTPS", **more: object) -> Json:
    """`secret` names the certificate of an HTTPS listener."""
    secret = more.pop("secret", None)
    tls = {"tls": {"mode": "Terminate", "certificateRefs": [{"name": secret}]}} if secret else {}
    return {"name": name, "port": port, "protocol": protocol, **tls, **more}


def prefix(path: str) -> Json:
    return {"path": {"type": "PathPrefix", "value": path}}


@asynccontextmanager
async def serving(contents: Contents) -> AsyncIterator[Edge]:
    async with asyncio.timeout(60), Edge(contents.state, CLOSED) as edge:
        yield edge
    contents.azure.store.close()


async def ask(
    server: tuple[str, int], name: str, kind: RdataType = RdataType.A, *, tcp: bool = False
) -> dns.message.Message:
    """The answer of a server to one question, unlike a resolver's with everything in it."""
    query = dns.message.make_query(name, kind)
    transport = dns.asyncquery.tcp if tcp else dns.asyncquery.udp
    return await transport(query, server[0], port=server[1], timeout=30)


def texts(sets: list[dns.rrset.RRset]) -> list[str]:
    """Records one a line, sorted."""
    return sorted(line for records in sets for line in records.to_text().splitlines())


@dataclass(frozen=True)
class Got:
    """An HTTP answer, and the certificate under which it came."""

    status: int
    headers: Mapping[str, str]
    text: str
    certificate: bytes | None = None

    @property
    def fields(self) -> dict[str, str]:
        """What the service behind the gateway tells."""
        return dict(line.split(": ", 1) for line in self.text.splitlines())


async def get(
    edge: Edge,
    address: str,
    url: str,
    client: Pair | None = None,
    /,
    *,
    server_name: str | None = None,
    method: str = "GET",
    **headers: str,
) -> Got:
    """Fetch a URL at a gateway's address through the proxy. `server_name` is the URL's host by default,
    `client` the certificate to show when asked."""
    scheme, _, rest = url.partition("://")
    authority, _, path = rest.partition("/")
    port = int(authority.partition(":")[2] or (443 if scheme == "https" else 80))
    reader, writer = await connect(edge, f"{address}:{port}")
    with closing(writer):
        shown = None
        if scheme == "https":
            await writer.start_tls(
                unchecked(client), server_hostname=server_name or authority.partition(":")[0]
            )
            shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        sent = {"Host": authority, **{name.replace("_", "-"): value for name, value in headers.items()}}
        lines = [f"{method} /{path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        answer = await reader.read()
        if not answer:
            raise ConnectionResetError(f"{address} has nothing to say to {url}")
        return parsed(answer, shown)


async def connect(edge: Edge, authority: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A tunnel through the proxy."""
    reader, writer = await proxied(edge)
    writer.write(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), head
    return reader, writer


async def refusal(edge: Edge, head: str) -> Got:
    """What the proxy answers to a request instead of carrying it on."""
    reader, writer = await proxied(edge)
    with closing(writer):
        writer.write(f"{head}\r\n\r\n".encode())
        return parsed(await reader.read())


async def proxied(edge: Edge) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", int(edge.proxy_url.rpartition(":")[2]))


def unchecked(client: Pair | None = None) -> ssl.SSLContext:
    """A client that accepts every certificate, to look at it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if client is not None:
        with tempfile.NamedTemporaryFile() as file:
            file.write(client.certificate + b"\n" + client.key)
            file.flush()
            context.load_cert_chain(file.name)
    return context


def parsed(answer: bytes, shown: bytes | None = None) -> Got:
    head, _, body = answer.decode().partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Got(int(first.split(" ")[1]), headers, body, shown)
