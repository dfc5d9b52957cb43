"""Energy is estimated, and says so: rated power times time, of a known device or of an assumed one."""

import pytest

from core.report.energy import ANY_GPU_W, CORE_W, energy_of


def test_a_known_gpu_has_its_rated_power():
    found = energy_of({"used": "cuda", "device_name": "NVIDIA H200"}, 3600)
    assert found.watts == 700 and found.watt_hours == 700 and found.amount() == "700 Wh"
    assert energy_of({"used": "cuda:0", "device_name": "NVIDIA A100 80GB PCIe"}, 60).watts == 300
    assert energy_of({"used": "cuda", "device_name": "Tesla T4"}, 60).watts == 70
    assert energy_of({"used": "cuda", "device_name": "NVIDIA L40S"}, 60).watts == 350


def test_an_unknown_device_is_assumed_and_said_to_be():
    gpu = energy_of({"used": "cuda", "device_name": "Unheard GPU T400"}, 3600)
    assert gpu.watts == ANY_GPU_W and "assumed" in gpu.how
    cpu = energy_of({"used": "cpu", "cpu_count": 2}, 1800)
    assert cpu.watts == 2 * CORE_W and cpu.watt_hours == CORE_W and "assumed: 2 cores" in cpu.sentence()


def test_the_sentence_claims_no_measurement_and_no_carbon():
    words = energy_of({"used": "cpu", "cpu_count": 4}, 600).sentence()
    assert "estimated, not measured" in words and "off by up to 40%" in words and "no carbon is claimed" in words


@pytest.mark.parametrize(
    ("device", "seconds"), [({}, 5.0), ({"used": "cpu"}, 5.0), ({"used": "cpu", "cpu_count": 2}, None)]
)
def test_nothing_is_estimated_of_what_is_not_known(device, seconds):
    assert energy_of(device, seconds) is None


def test_amounts_are_short():
    assert energy_of({"used": "cpu", "cpu_count": 2}, 60).amount() == "0.4 Wh"
    assert energy_of({"used": "cuda", "device_name": "H100"}, 36_000).amount() == "7 kWh"


def test_folds_that_were_trained_at_once_share_the_cores():
    alone, at_once = (energy_of({"used": "cpu", "cpu_count": 2}, 200, core_seconds) for core_seconds in (400, 200))
    assert alone == energy_of({"used": "cpu", "cpu_count": 2}, 200)
    assert at_once.watt_hours == alone.watt_hours / 2 and "1 core at" in at_once.sentence()
