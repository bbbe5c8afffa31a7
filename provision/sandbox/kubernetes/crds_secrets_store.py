"""The CustomResourceDefinition of the Secrets Store CSI driver that the Key Vault add-on installs."""

from __future__ import annotations

from provision.sandbox.http import Json
from provision.sandbox.kubernetes.crd_documents import document, names, version
from provision.sandbox.kubernetes.shapes import array, mapping, record, text

_SECRET_OBJECT = record(
    annotations=mapping(text()),
    labels=mapping(text()),
    secretName=text(),
    type=text(),
    data=array(record(key=text(), objectName=text())),
)

DOCUMENTS: list[Json] = [
    document(
        "secrets-store.csi.x-k8s.io",
        names("SecretProviderClass", "secretproviderclasses"),
        [
            version(
                "v1",
                record(provider=text(), parameters=mapping(text()), secretObjects=array(_SECRET_OBJECT)),
                required=False,
            )
        ],
        namespaced=True,
    )
]
