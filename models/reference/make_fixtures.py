"""Makes test/fixtures/demucs: small HTDemucs networks, and what the reference implementation separates with them.

The weights are random, so the sound means nothing; they are scaled so that every tensor shows in the output.
"""

import hashlib
import json
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from demucs.apply import apply_model
from demucs.htdemucs import HTDemucs
from demucs.states import get_state, load_model

FOLDER = Path(__file__).resolve().parents[2] / "test" / "fixtures" / "demucs"
SEED = 20260101
FOUR = ["drums", "bass", "other", "vocals"]
SIX = FOUR + ["guitar", "piano"]

# Named as the released networks name them; six_stems takes each way that those do not.
NETWORKS = {
    "single_precision": dict(
        half=False,
        args=(),
        kwargs=dict(
            sources=FOUR,
            segment=Fraction(39, 25),
            channels=4,
            nfft=4096,
            depth=4,
            dconv_mode=1,
            dconv_depth=2,
            dconv_comp=2,
            bottom_channels=16,
            t_layers=3,
            t_heads=2,
        ),
    ),
    "half_precision": dict(
        half=True,
        args=(),
        kwargs=dict(
            sources=FOUR,
            audio_channels=2,
            samplerate=44100,
            # Not a whole number of frames.
            segment=Fraction(37, 23),
            use_train_segment=True,
            channels=6,
            channels_time=None,
            growth=2,
            nfft=4096,
            wiener_iters=0,
            end_iters=0,
            wiener_residual=False,
            cac=True,
            depth=4,
            rewrite=True,
            multi_freqs=[],
            multi_freqs_depth=3,
            freq_emb=0.2,
            emb_scale=10,
            emb_smooth=True,
            kernel_size=8,
            stride=4,
            time_stride=2,
            context=1,
            context_enc=0,
            norm_starts=4,
            norm_groups=4,
            dconv_mode=3,
            dconv_depth=2,
            dconv_comp=3,
            dconv_init=0.001,
            bottom_channels=32,
            t_layers=5,
            t_hidden_scale=4.0,
            t_heads=4,
            t_dropout=0.02,
            t_layer_scale=True,
            t_gelu=True,
            t_emb="sin",
            t_max_positions=10000,
            t_max_period=10000.0,
            t_weight_pos_embed=1.0,
            t_cape_mean_normalize=True,
            t_cape_augment=True,
            t_cape_glob_loc_scale=[5000.0, 1.0, 1.4],
            t_sin_random_shift=0,
            t_norm_in=True,
            t_norm_in_group=False,
            t_group_norm=False,
            t_norm_first=True,
            t_norm_out=True,
            t_weight_decay=0.0,
            t_lr=None,
            t_sparse_self_attn=False,
            t_sparse_cross_attn=False,
            t_mask_type="diag",
            t_mask_random_seed=42,
            t_sparse_attn_window=500,
            t_global_window=100,
            t_sparsity=0.95,
            t_auto_sparsity=False,
            t_cross_first=False,
            rescale=0.1,
        ),
    ),
    "six_stems": dict(
        half=True,
        args=(SIX,),
        kwargs=dict(
            # An odd number of frames.
            segment=1.49,
            channels=8,
            nfft=2048,
            depth=3,
            freq_emb=0.4,
            emb_scale=5,
            context=2,
            context_enc=1,
            norm_starts=3,
            dconv_mode=2,
            dconv_depth=3,
            dconv_comp=3,
            bottom_channels=0,
            t_layers=4,
            t_heads=4,
            t_hidden_scale=1.5,
            t_max_period=2000.0,
            t_weight_pos_embed=0.5,
            t_gelu=False,
            t_layer_scale=False,
            t_cross_first=True,
        ),
    ),
}

# Frames of a segment of single_precision.
SEGMENT = 68796

# `every`: of the output one value in so many is kept: a prime, so that no rhythm of the segments escapes it.
CASES = [
    dict(name="twenty seconds", network="single_precision", frames=882_000, every=211),
    dict(name="half precision", network="half_precision", frames=300_007, every=101),
    dict(name="mono", network="half_precision", frames=130_003, mono=True, every=101),
    dict(name="shorter than a segment", network="half_precision", frames=30_011, every=31),
    dict(name="shorter than a window", network="single_precision", frames=1_001, every=1),
    dict(name="one segment", network="single_precision", frames=SEGMENT, every=53),
    dict(name="one segment and a frame", network="single_precision", frames=SEGMENT + 1, every=53),
    dict(name="much overlap", network="single_precision", frames=200_003, overlap=0.6, every=101),
    dict(name="six stems", network="six_stems", frames=264_601, every=149),
]


def draw(name: str, tensor: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Values that keep the level of what passes through, and leave nothing at zero or one."""
    noise = torch.randn(tensor.shape, generator=generator)
    if name.endswith(".scale"):
        return 0.5 + 0.2 * noise
    if name.endswith("embedding.weight"):
        return 0.3 * noise
    if name.endswith("bias"):
        return 0.2 * noise
    if tensor.dim() == 1:
        return 1 + 0.2 * noise
    # A transposed convolution has its inputs first, and of its kernel a stride's share meets in a sample.
    inputs = tensor.shape[0] * 2 if "conv_tr" in name else tensor[0].numel()
    return 1.3 * noise / inputs**0.5


def save(name: str, half: bool, args: tuple, kwargs: dict, generator: torch.Generator) -> None:
    """Saves a network as demucs.states.serialize_model does, without the settings of a training."""
    torch.manual_seed(SEED)
    model = HTDemucs(*args, **kwargs)
    model.load_state_dict({key: draw(key, value, generator) for key, value in model.state_dict().items()})
    package = dict(
        klass=HTDemucs, args=args, kwargs=kwargs, state=get_state(model, None, half), training_args={}
    )
    torch.save(package, FOLDER / f"{name}.th")


def song(frames: int, mono: bool) -> np.ndarray:
    """Noise that swells and fades over a square wave and an offset, as float32 [2, frames].

    By integers up to a last scaling that is exact, so that another language makes the same: test/support/reference-song.ts.
    """
    out = np.empty((2, frames), dtype=np.float32)
    state = 1
    for i in range(frames):
        noise = []
        for _ in range(2):
            state = (state * 1664525 + 1013904223) % 2**32
            noise.append((state >> 16) - 2**15)
        square = 2**12 if i * 880 // 44100 % 2 else -(2**12)
        middle = noise[0] * (abs(i % 30011 - 15000) + 400) + square * 2**13 + 2**24
        side = 0 if mono else noise[1] * (abs(i % 70001 - 35000) // 4)
        out[0, i] = (middle + side) / 2**30
        out[1, i] = (middle - side) / 2**30
    return out


def checksum(model: HTDemucs) -> str:
    """SHA-256 of all tensors in their order, as little-endian float32."""
    digest = hashlib.sha256()
    for tensor in model.state_dict().values():
        digest.update(tensor.contiguous().numpy().astype("<f4").tobytes())
    return digest.hexdigest()


def separate(model: HTDemucs, wav: torch.Tensor, overlap: float) -> torch.Tensor:
    """Stems as [stems, 2, frames]; the level as demucs.api.Separator sets it."""
    reference = wav.mean(0)
    mean = reference.mean()
    deviation = reference.std() + 1e-8
    out = apply_model(model, ((wav - mean) / deviation)[None], shifts=0, split=True, overlap=overlap)
    return out[0] * deviation + mean


def main() -> None:
    torch.set_num_threads(1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(SEED)
    models = {}
    for name, network in NETWORKS.items():
        save(name, generator=generator, **network)
        models[name] = load_model(FOLDER / f"{name}.th").eval()
    cases = []
    for case in CASES:
        case = dict(mono=False, overlap=0.25) | case
        model = models[case["network"]]
        out = separate(model, torch.from_numpy(song(case["frames"], case["mono"])), case["overlap"])
        expected = case["name"].replace(" ", "_") + ".f32"
        # Over all stems and channels in one row, so that each is met at other frames.
        out.contiguous().numpy().reshape(-1)[:: case["every"]].astype("<f4").tofile(FOLDER / expected)
        cases.append(case | dict(sources=model.sources, expected=expected))
        print(case["name"], [f"{float(stem.std()):.3f}" for stem in out])
    versions = {package: version(package) for package in ["demucs", "torch", "numpy"]}
    networks = {
        name: dict(tensors=len(model.state_dict()), sha256=checksum(model)) for name, model in models.items()
    }
    content = dict(versions=versions, networks=networks, cases=cases)
    (FOLDER / "cases.json").write_text(json.dumps(content, indent=2) + "\n")


main()
