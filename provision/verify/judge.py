"""Evidence → links. Pure: the same evidence always gives the same report."""

from __future__ import annotations

from datetime import datetime

from provision.ingress.hosts import HostChain
from provision.resources.certificate import Certificate
from provision.verify import answers, azure_gateways, certificates, names, objects
from provision.verify.evidence import Evidence, Handshake
from provision.verify.links import HostReport, Link, not_checked
from provision.verify.needs import Planned, needs


def judge(chain: HostChain, planned: Planned, seen: Evidence, now: datetime) -> HostReport:
    """Every link of one host, in the order in which a request passes them."""
    addresses = objects.gateway_addresses(seen.front)
    links = needs(chain.needs, planned)
    if chain.zone is not None:
        links.append(
            names.network_links(chain.zone, seen.networks)
            if chain.visibility == "private"
            else names.delegation(chain.zone, seen.delegation)
        )
    links.append(
        names.record(chain.host, chain.zone, seen.records, addresses, seen.writer, ours=chain.record)
    )
    links.append(objects.front(chain.front, seen.front, chain.listener))
    if chain.gateway is not None:
        links.append(azure_gateways.frontend(seen.gateway, addresses))
        if chain.internal:
            links.append(azure_gateways.endpoints(seen.gateway, planned))
    if chain.route != chain.front:
        links.append(objects.route(chain.route, seen.route, chain.listener))
    links.extend(objects.events(seen.front, seen.route, seen.writer))
    if chain.passthrough:
        links.append(certificates.passed_through(chain.host, addresses, seen.wire, now))
    links.extend(_certificate(chain, planned, seen, addresses, now))
    if chain.mutual:
        links.append(answers.anonymous(chain.host, addresses, seen.anonymous))
    envoy = chain.route != chain.front
    links.append(answers.http(chain.host, addresses, chain.secure, seen.answer, seen.redirect, envoy=envoy))
    return HostReport(chain.host, tuple(links))


def _certificate(
    chain: HostChain, planned: Planned, seen: Evidence, addresses: tuple[str, ...], now: datetime
) -> list[Link]:
    """The links of a host's certificate; none where it has no certificate."""
    if chain.certificate is None or chain.secret is None:
        return []
    declared = planned.graph[chain.certificate]
    if not isinstance(declared, Certificate):
        raise TypeError(f"{declared.address} is no certificate")
    links = [
        certificates.in_vault(declared.address, chain.host, seen.current, declared.renewal_trigger, now),
        certificates.in_cluster(chain.secret, seen.secret, seen.current),
        certificates.on_wire(chain.host, addresses, seen.wire, seen.secret, seen.current),
    ]
    if isinstance(seen.wire, Handshake):
        links.append(certificates.trust(seen.wire))
    return links


def left_out(host: str, why: str) -> HostReport:
    """A host of which nothing can be said."""
    return HostReport(host, (not_checked("resource", f"what {host} depends on", why),))
