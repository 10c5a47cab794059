"""Stores what real PyTorch prints for every fragment, in tests/data/fragments.json.

    PYTHONPATH=. python -m tests.end_to_end.make_fragment_texts

needs torch and torchvision. Old idioms that PyTorch 2.13 refuses are taught to it first, so that the
documents' lines run as they stand; each fragment starts from seed 0."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.end_to_end.test_fragments import FRAGMENTS, HERE, ROOT, TEXTS, masked, write_cifar

OLD_IDIOMS = '''
import sys, warnings
sys.argv = sys.argv[1:]
warnings.simplefilter("ignore")
from tests.conformance.api_use import vision
import torch
import torch.utils.data
torch.set_num_threads(1)
torchvision = vision(torch)
torchvision.datasets.cifar.check_integrity = lambda *args: True
torchvision.datasets.CIFAR10._check_integrity = lambda self: True
load, add = torch.load, torch.add
torch.load = lambda *args, **kwargs: load(*args, **{"weights_only": False, **kwargs})
torch.add = lambda a, b, *out, **kwargs: add(a, b, out=out[0]) if out else add(a, b, **kwargs)
torch.hub.load_state_dict_from_url.__globals__["check_hash"] = False
steps = torch.utils.data.dataloader._BaseDataLoaderIter
steps.next = steps.__next__
torch.manual_seed(0)
path = sys.argv[0]
exec(compile(open(path, encoding="utf-8").read(), path, "exec"), globals())
'''


def main() -> None:
    """Run all fragments on PyTorch and store what they print."""
    texts = {}
    with tempfile.TemporaryDirectory() as top:
        here = Path(top) / "tutorials" / "basics"
        write_cifar(Path(top) / "data" / "cifar-10-batches-py")
        write_cifar(here / "dataset" / "cifar-10-batches-py")
        cache = Path(top) / "torch" / "hub" / "checkpoints"
        cache.mkdir(parents=True)
        weights = (
            "import engine as torch; from engine.vision.models import resnet18; "
            f"torch.save(resnet18().state_dict(), {str(cache / 'resnet18-f37072fd.pth')!r})"
        )
        subprocess.run([sys.executable, "-c", weights], check=True, cwd=ROOT)
        driver = Path(top) / "driver.py"
        driver.write_text(OLD_IDIOMS)
        paths = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        env = dict(os.environ, TORCH_HOME=f"{top}/torch", PYTHONPATH=paths, MPLBACKEND="Agg",
                   PYTHONIOENCODING="utf-8")
        for name in FRAGMENTS:
            done = subprocess.run(
                [sys.executable, str(driver), str(HERE / "fragments" / f"{name}.py")],
                cwd=here, env=env, capture_output=True, text=True, encoding="utf-8", check=False,
            )
            if done.returncode:
                print(name, "does not run on PyTorch:", done.stderr.strip().splitlines()[-1])
            else:
                texts[name] = masked(done.stdout)
    TEXTS.write_text(json.dumps(texts, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    print(f"{len(texts)} of {len(FRAGMENTS)} stored")


if __name__ == "__main__":
    main()
