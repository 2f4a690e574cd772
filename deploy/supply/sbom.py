"""Writes the bill of materials in CycloneDX 1.6: `python -m deploy.supply.sbom FILE`, or `make sbom`.

It has every package of requirements.lock with version, hashes, licence and what needs it. Those of the image have the
scope `required`, those of tests, documentation and the laboratory `excluded`. The same lock gives the same file: its
time is SOURCE_DATE_EPOCH, and its number follows from the lock.
"""

import os
import sys
import tomllib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from deploy.supply.licences import Table, licence, table
from deploy.supply.lock import IMAGE, ROOT, WHOLE, Locked, read

MARKER = "quanzu:marker"
"""The property with the Python versions and systems that a package is for."""


def bill(whole: Iterable[Locked], image: Iterable[Locked], rules: Table, at: datetime) -> Bom:
    """Return the bill of materials of two locks: `whole` with all packages, `image` with those of the image, which get
    the scope `required`; the others get `excluded`. `at`: its time. The same locks give the same serial number.
    """
    shipped = {(each.name, each.version) for each in image}
    packages = list(whole)
    parts = [_component(each, rules, required=(each.name, each.version) in shipped) for each in packages]
    project = _project()
    number = sha256(repr([(each.name, each.version, each.hashes) for each in packages]).encode()).hexdigest()
    made = Bom(
        components=parts,
        serial_number=uuid5(NAMESPACE_URL, f"quanzu {project.version} {number}"),
        metadata=BomMetaData(component=project, timestamp=at),
    )
    for component, needs in _needs(project, packages, parts):
        made.register_dependency(component, needs)
    return made


def _project() -> Component:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    own = LicenseFactory().make_from_string(told["license"])
    return Component(
        name=told["name"],
        version=told["version"],
        type=ComponentType.APPLICATION,
        licenses=[own],
        bom_ref=told["name"],
        description=told["description"],
    )


def _component(package: Locked, rules: Table, *, required: bool) -> Component:
    url = PackageURL("pypi", None, package.name, package.version)
    told = licence(package.name, rules)
    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        purl=url,
        bom_ref=str(url),
        scope=ComponentScope.REQUIRED if required else ComponentScope.EXCLUDED,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=each) for each in package.hashes],
        licenses=[LicenseFactory().make_from_string(told)] if told else [],
        properties=[Property(name=MARKER, value=package.marker)] if package.marker else [],
    )


def _needs(
    project: Component, packages: list[Locked], parts: list[Component]
) -> Iterator[tuple[Component, list[Component]]]:
    """Return each part with the parts that it needs."""
    for part in (project, *parts):
        yield part, [other for package, other in zip(packages, parts, strict=True) if part.name in package.via]


def written(made: Bom) -> str:
    """Return the bill of materials as CycloneDX 1.6 JSON."""
    return make_outputter(made, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2) + "\n"


def main(file: Path) -> None:
    """Write the bill of materials of the project's locks to `file`. Its time is SOURCE_DATE_EPOCH (seconds since 1970),
    or 1970-01-01 if that is not set. Raises ValueError if that is no number or a package has no hash.
    """
    at = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), UTC)
    file.write_text(written(bill(read(WHOLE), read(IMAGE), table(), at)), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
