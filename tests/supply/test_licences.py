"""FAULTS 34: no library that is needed to run binds whoever runs it; all stand in a bill of materials."""

import json
from email.message import Message

import pytest

from tests.supply import licences


@pytest.mark.fault(34)
def test_every_library_at_run_time_has_a_known_licence_and_none_is_gpl_or_agpl():
    found = licences.packages()
    assert {"streamlit", "torch", "numpy", "authlib"} <= found.keys() and len(found) > 60
    assert not [f"{one.name} {one.version}: no licence is known" for one in found.values() if not one.licence]
    of_cuda = {name for name, one in found.items() if one.licence == licences.NVIDIA}
    assert all(name.startswith("nvidia-") or name == "cuda-toolkit" for name in of_cuda), of_cuda
    kept = [one for name, one in found.items() if name not in of_cuda]
    assert not [f"{one.name}: {one.licence}" for one in kept if not licences.is_free(one.licence)]


@pytest.mark.parametrize(
    ("name", "fields", "licence"),
    [
        ("nvidia-cublas", {"License-Expression": licences.NVIDIA}, licences.NVIDIA),
        ("nvidia-cufft", {"License": licences.NVIDIA, "Classifier": "License :: Other/Proprietary License"},
         licences.NVIDIA),
        ("nvidia-cusparselt-cu13", {"License": "NVIDIA Proprietary Software"}, licences.NVIDIA),
        ("nvidia-nvtx", {"License": "Apache 2.0", "Classifier": "License :: Other/Proprietary License"}, "Apache-2.0"),
        ("other", {"License": "MIT", "Classifier": "License :: Other/Proprietary License"}, ""),
    ],
)  # fmt: skip
def test_what_the_cuda_build_of_torch_brings_is_told_from_what_is_free(name, fields, licence):
    facts = Message()
    for field, value in fields.items():
        facts[field] = value
    assert licences.licence_of(name, facts) == licence and not licences.is_free(licences.NVIDIA)


@pytest.mark.fault(34)
@pytest.mark.parametrize(
    ("licence", "free"),
    [
        ("MIT", True), ("Apache-2.0 AND MIT", True), ("GPL-3.0-or-later", False), ("AGPL-3.0-only", False),
        ("MIT OR GPL-2.0-only", True), ("MIT AND GPL-2.0-only", False), ("(MIT OR Apache-2.0) AND BSD-3-Clause", True),
        ("(MIT AND AGPL-3.0-only) OR GPL-2.0-only", False), ("GNU Affero General Public License v3", False),
        ("LGPL-2.1-or-later", False), ("", False), ("SSPL-1.0", False), ("CC-BY-NC-4.0", False),
    ],
)  # fmt: skip
def test_what_a_licence_allows(licence, free):
    assert licences.is_free(licence) is free


@pytest.mark.fault(34)
def test_the_bill_of_materials_names_every_package_with_version_licence_and_what_needs_it():
    bill, found = json.loads(licences.bill()), licences.packages()
    assert bill["bomFormat"] == "CycloneDX" and bill["specVersion"] == "1.6"
    assert {one["name"]: one["version"] for one in bill["components"]} == {k: v.version for k, v in found.items()}
    assert all(one["licenses"] and one["purl"].startswith("pkg:pypi/") for one in bill["components"])
    needed = {one["ref"]: one.get("dependsOn", []) for one in bill["dependencies"]}
    assert f"streamlit=={found['streamlit'].version}" in needed["landslide-lens"]
    assert f"numpy=={found['numpy'].version}" in needed[f"pandas=={found['pandas'].version}"]


@pytest.mark.fault(34)
def test_what_is_installed_is_what_was_tested():
    pinned = {}
    for line in (licences.ROOT / "constraints.txt").read_text("utf-8").splitlines():
        name, _, version = line.partition("#")[0].partition("==")
        pinned[licences.canonicalize_name(name.strip())] = version.strip()
    found = licences.packages(("requirements.txt",))
    lacking = [name for name in found if name not in pinned]
    assert set(lacking) <= {"setuptools", "pip"}, "constraints.txt lacks these; `pip freeze` leaves two out"
    differ = [name for name, one in found.items() if name in pinned and one.version.partition("+")[0] != pinned[name]]
    assert not differ, "other versions than constraints.txt names"


@pytest.mark.fault(34)
def test_both_pythons_are_accepted_by_every_pinned_package():
    from packaging.specifiers import SpecifierSet

    for name in licences.packages(("requirements.txt",)):
        wanted = SpecifierSet(licences.metadata.metadata(name).get("Requires-Python") or "")
        assert all(wanted.contains(version) for version in ("3.11.9", "3.12.9")), (name, str(wanted))
