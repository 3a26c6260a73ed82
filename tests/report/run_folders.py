"""Run folders to read back: each kind, small, written by the commands themselves."""

import json
from pathlib import Path

from picojoule.__main__ import main

LAYERS = ("--layers", "CONV1,CONV5,FC3")


def estimated_folder(folder: Path, *options: object) -> Path:
    """AlexNet's CONV1, CONV5 and FC3 in closed form: every CSV and the manifest in milliseconds."""
    assert main(["estimate", "alexnet", *LAYERS, *map(str, options), "-o", str(folder)]) == 0
    return folder


def validated_folder(folder: Path) -> Path:
    assert main(["validate", "alexnet", "--layers", "FC3,CONV5", "-o", str(folder)]) == 0
    return folder


def pruned_folder(folder: Path) -> Path:
    """A pruning run's manifest.json, layers.csv and steps.csv, as `picojoule prune digits` wrote them, cut short."""
    folder.mkdir()
    for name, text in PRUNED.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


SWEPT = """
network = "alexnet"
layers = ["CONV3"]

[grid]
pe_array.rows = [4, 8, 12]
glb.capacity_kb = [4, 64, 100]
"""


def swept_folder(folder: Path, spec: str = SWEPT) -> Path:
    """Nine estimates of one layer, of which three are of machines that cannot run it."""
    path = folder.with_suffix(".toml")
    path.write_text(spec, encoding="utf-8")
    assert main(["sweep", str(path), "-o", str(folder), "--workers", "1"]) == 0
    path.unlink()
    return folder


def large_sweep_folder(folder: Path, points: int) -> Path:
    """A sweep's points.csv and manifest.json by hand: energy falls as banks rise, every fourth is on the front."""
    folder.mkdir()
    heading = "point,network,arch,batch,bits,glb.banks,method,on_front,energy_per_image,ms_per_image,area_kb,"
    lines = [
        f"{at},alexnet,eyeriss-v1,1,,{at},analytic,{at % 4 == 0},{1e9 / at},{at * 0.5},{4.0 * at},0.5,"
        for at in range(1, points + 1)
    ]
    (folder / "points.csv").write_text("\n".join([f"{heading}utilization,reason", *lines, ""]), encoding="utf-8")
    manifest = {
        "spec": {"front": ["energy", "area"], "area": {"spad_weight": 1.0, "pe_kb": 0.0}, "objective": "energy"},
        "method": "analytic",
        "energy_unit": "pJ",
        "area": "GLB",
        "points": points,
        "failed": 0,
        "front": list(range(4, points + 1, 4)),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


PRUNED = {
    "manifest.json": """{
  "options": {"method": "energy-aware", "order": "energy"},
  "result": {
    "model": "digits.onnx",
    "arch": "eyeriss-estimation",
    "energy_unit": "pJ",
    "images": {"energy": 16, "calibration": 192, "accuracy": 192},
    "accuracy": {"before": 0.984375, "after": 0.979166, "limit": 0.974375},
    "energy": {
      "before": {"mac": 10.0, "spad": 40.0, "noc": 10.0, "glb": 10.0, "dram": 30.0, "total": 100.0},
      "after": {"mac": 5.0, "spad": 15.0, "noc": 10.0, "glb": 10.0, "dram": 10.0, "total": 50.0}
    },
    "why": ["conv2: 83 % of what is left is feature maps"]
  }
}
""",
    "layers.csv": (
        "layer,weights_before,weights_after,nonzero_macs_before,nonzero_macs_after,total_cycles_before,"
        "total_cycles_after,energy_before,energy_after\n"
        "conv1,144,115,71296,56978,15448,15381,40.0,30.0\n"
        "conv2,4608,2359,0,0,79694,78551,60.0,20.0\n"
    ),
    "steps.csv": (
        "round,layer,accepted,accuracy,weights,layer_weights,energy,predicted_energy,trials\n"
        "0,,True,0.984375,4752,,100.0,101.0,\n"
        "1,conv2,True,0.984375,2503,2359,60.0,61.0,396:0.71\n"
        "1,conv1,False,0.979166,2503,144,60.0,61.0,15:0.23\n"
        "2,conv1,True,0.979166,2474,115,50.0,51.0,115:0.97\n"
    ),
}
