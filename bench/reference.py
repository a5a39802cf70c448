"""PyTorch's side of bench/separation.ts: the package demucs, as its own command runs it.

    reference.py make CHECKPOINT          a full-size HTDemucs network with random weights, in half precision
    reference.py serve CHECKPOINT SONG THREADS
                                          separates SONG (float32, interleaved) once for each line on stdin: the line
                                          names the file for the stems, or is empty; answers with the seconds it took
"""

import sys
import time
from fractions import Fraction

import numpy as np
import torch
from demucs.apply import apply_model
from demucs.htdemucs import HTDemucs
from demucs.states import get_state, load_model

SOURCES = ["drums", "bass", "other", "vocals"]
SEED = 20_261_124
OVERLAP = 0.25
#: The released network's parameters, where they differ from the class's defaults.
PARAMETERS = {"segment": Fraction(39, 5), "dconv_mode": 3, "bottom_channels": 512}


def make(checkpoint: str) -> None:
    torch.manual_seed(SEED)
    model = HTDemucs(sources=SOURCES, **PARAMETERS)
    with torch.no_grad():  # So that no layer is next to nothing, as some are before training.
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    args, kwargs = model._init_args_kwargs
    state = get_state(model, None, half=True)
    package = {"klass": HTDemucs, "args": args, "kwargs": kwargs, "state": state, "training_args": {}}
    torch.save(package, checkpoint)


def serve(checkpoint: str, song: str, threads: int) -> None:
    torch.set_num_threads(threads)
    model = load_model(checkpoint).eval()
    mix = torch.from_numpy(np.fromfile(song, dtype=np.float32).reshape(-1, 2).T.copy())
    for line in sys.stdin:
        started = time.perf_counter()
        reference = mix.mean(0)
        mean, deviation = reference.mean(), reference.std() + 1e-8
        stems = apply_model(model, ((mix - mean) / deviation)[None], shifts=0, split=True, overlap=OVERLAP)[0]
        stems = stems * deviation + mean
        seconds = time.perf_counter() - started
        if line.strip():
            stems.numpy().tofile(line.strip())
        print(seconds, flush=True)


if __name__ == "__main__":
    command, checkpoint = sys.argv[1:3]
    if command == "make":
        make(checkpoint)
    else:
        serve(checkpoint, sys.argv[3], int(sys.argv[4]))
