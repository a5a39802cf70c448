"""librosa's side of bench/analysis.ts: the same estimates by its own functions and the usual few lines around them.

    librosa_baseline.py SONG    SONG: a decoded song (float32, stereo, interleaved, 44.1 kHz). Analyses it twice and prints
                                the seconds that each took; the first includes compiling what is called first.

Beats by beat_track, chords by major and minor templates on constant-Q chroma, the key by Krumhansl's profiles on their
mean, sections by agglomerative clustering of chroma and MFCCs, the tuning by estimate_tuning.
"""

import sys
import time

import librosa
import numpy as np

SONG_RATE = 44_100
#: librosa's own choice.
RATE = 22_050
SECTIONS = 8
MFCCS = 13
#: Krumhansl & Kessler 1982.
KEY_PROFILES = np.array(
    [
        [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88],
        [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17],
    ]
)
TRIADS = np.array([[1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0], [1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0]]) / np.sqrt(3)


def turned(profiles: np.ndarray) -> np.ndarray:
    """All twelve transpositions of each profile."""
    return np.array([np.roll(profile, root) for profile in profiles for root in range(12)])


def analyse(samples: np.ndarray) -> dict:
    tempo, beats = librosa.beat.beat_track(y=samples, sr=RATE)
    tuning = librosa.estimate_tuning(y=samples, sr=RATE)
    chroma = librosa.feature.chroma_cqt(y=samples, sr=RATE, tuning=tuning)
    on_beats = librosa.util.sync(chroma, beats, aggregate=np.median)
    key = np.argmax(np.corrcoef(chroma.mean(axis=1), turned(KEY_PROFILES))[0, 1:])
    chords = np.argmax(turned(TRIADS) @ librosa.util.normalize(on_beats, norm=2, axis=0), axis=0)
    timbre = librosa.feature.mfcc(y=samples, sr=RATE, n_mfcc=MFCCS)
    both = np.vstack([librosa.util.normalize(chroma, axis=0), librosa.util.normalize(timbre, axis=1)])
    sections = librosa.segment.agglomerative(both, min(SECTIONS, both.shape[1]))
    return {"tempo": tempo, "beats": beats, "key": key, "chords": chords, "sections": sections, "tuning": tuning}


if __name__ == "__main__":
    stereo = np.fromfile(sys.argv[1], dtype=np.float32).reshape(-1, 2)
    song = librosa.resample(stereo.mean(axis=1), orig_sr=SONG_RATE, target_sr=RATE)
    for _ in range(2):
        started = time.perf_counter()
        analyse(song)
        print(time.perf_counter() - started, flush=True)
