/**
 * What the estimators share, in two halves that can be heard at the same time: sounds and their onsets in short frames
 * over the whole range of hearing, pitches in long frames of the low band. Each half reads the song once.
 */
import type { Song } from '../../audio/song.ts';
import type { Tuning } from '../analysis.ts';
import { lowBand } from './low-band.ts';
import { MEL_BANDS, melFilter } from './mel.ts';
import { ONSET_HOP, type OnsetFeatures, onsetFeatures } from './onsets.ts';
import { type PitchContent, pitchContent } from './pitch-content.ts';
import { type PitchSpectra, pitchSpectra } from './pitch-spectra.ts';
import { forEachStereoSpectrum } from './spectra.ts';
import { estimateTuning } from './tuning.ts';
import { ONSETS_PER_VOICE, voiceListener } from './voice.ts';

/** Samples of a short frame: 46 ms. */
const SHORT_SIZE = 2048;
/** Frequency of A4 in Hz where the song tells none. */
const CONCERT_PITCH = 440;

export interface SoundFeatures {
  readonly onsets: OnsetFeatures;
  /** Per voice frame, see `voiceListener`. */
  readonly voice: Float32Array;
}

export function soundFeatures(song: Song): SoundFeatures {
  const frames = Math.ceil(song.frames / ONSET_HOP);
  const mel = new Float32Array(frames * MEL_BANDS);
  const voice = new Float32Array(Math.ceil(frames / ONSETS_PER_VOICE));
  const toMel = melFilter(SHORT_SIZE);
  const hearVoice = voiceListener(SHORT_SIZE);
  forEachStereoSpectrum(song, { size: SHORT_SIZE, hop: ONSET_HOP }, (t, middle, sides) => {
    toMel(middle, mel.subarray(t * MEL_BANDS, (t + 1) * MEL_BANDS));
    if (t % ONSETS_PER_VOICE === 0) voice[t / ONSETS_PER_VOICE] = hearVoice(middle, sides());
  });
  return { onsets: onsetFeatures(mel), voice };
}

export interface PitchFeatures {
  readonly content: PitchContent;
  /** Null where nothing is tuned. */
  readonly tuning: Tuning | null;
  /** At the tuning, concert pitch where there is none. */
  readonly pitches: PitchSpectra;
}

export function pitchFeatures(song: Song): PitchFeatures {
  const samples = lowBand(song);
  const tuning = estimateTuning(samples);
  return {
    content: pitchContent(samples),
    tuning,
    pitches: pitchSpectra(samples, tuning?.frequency ?? CONCERT_PITCH),
  };
}
