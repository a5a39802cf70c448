import {
  LOWEST_NOTE,
  logFrequencyMap,
  NOTES,
  noteHz,
  PITCH_BIN_HZ,
  PITCH_SIZE,
} from '../features/log-spectrum.ts';
import { LOW_BAND_RATE } from '../features/low-band.ts';
import { dot, scaledTo } from '../vectors.ts';

/** Each overtone's amplitude as a share of the one below it; 0.6..0.9 in Mauch & Dixon (2010). */
const OVERTONE_DECAY = 0.8;
const OVERTONES = 12;
/** Cents by which a partial may lie beside its place: strings' inharmonicity, vibrato, several voices. */
const PARTIAL_SPREAD = 15;
/** Bins on either side of a partial that the Hann window's main lobe reaches. */
const MAIN_LOBE = 2;

/** Rounds after which the saliences hardly change. */
const ROUNDS = 60;
/** Below this share of the strongest one a salience is settled: it only goes on to fall. */
const LEAST_SHARE = 1e-4;
/** Keeps the quotient finite where nothing is explained yet. */
const LEAST_EXPLAINED = 1e-9;

/**
 * Explains a logarithmic spectrum as a sum of notes, by non-negative least squares on a dictionary of notes with
 * decaying overtones (Mauch & Dixon, "Approximate note transcription", 2010), solved by multiplicative updates
 * (Lee & Seung 2001). Gives `NOTES` saliences of at least 0.
 */
export function noteSolver(a4: number): (spectrum: Float32Array) => Float32Array {
  const toLog = logFrequencyMap(a4);
  const dictionary = Array.from({ length: NOTES }, (_, note) =>
    noteProfile(noteHz(LOWEST_NOTE + note, a4), toLog),
  );
  const gram = dictionary.map((a) => Float64Array.from(dictionary, (b) => dot(a, b)));
  return (spectrum) => {
    const salience = Float64Array.from(dictionary, (profile) => dot(profile, spectrum));
    const target = salience.slice();
    const next = new Float64Array(NOTES);
    let sounding = [...salience.keys()];
    for (let round = 0; round < ROUNDS; round++) {
      const least = LEAST_SHARE * salience.reduce((a, b) => Math.max(a, b), 0);
      sounding = sounding.filter((n) => salience[n] > least);
      for (const n of sounding) {
        const products = gram[n];
        let explained = LEAST_EXPLAINED;
        for (let i = 0; i < sounding.length; i++) explained += products[sounding[i]] * salience[sounding[i]];
        next[n] = (salience[n] * target[n]) / explained;
      }
      for (const n of sounding) salience[n] = next[n];
    }
    return Float32Array.from(salience);
  };
}

/** The logarithmic spectrum of a steady note as the analysis window shows it, of unit length. */
function noteProfile(hz: number, toLog: (magnitudes: Float32Array) => Float32Array): Float32Array {
  const magnitudes = new Float32Array(PITCH_SIZE / 2 + 1);
  for (let h = 1; h <= OVERTONES && h * hz < LOW_BAND_RATE / 2; h++)
    for (const cents of [-PARTIAL_SPREAD, 0, PARTIAL_SPREAD]) {
      const centre = (h * hz * 2 ** (cents / 1200)) / PITCH_BIN_HZ;
      const last = Math.min(magnitudes.length - 1, Math.floor(centre + MAIN_LOBE));
      for (let k = Math.max(0, Math.ceil(centre - MAIN_LOBE)); k <= last; k++)
        magnitudes[k] += OVERTONE_DECAY ** (h - 1) * hannLobe(k - centre);
    }
  return scaledTo(toLog(magnitudes), 1);
}

/** Magnitude of the Hann window's spectrum, 1 at the centre, `x` bins beside it (|x| <= 2). */
function hannLobe(x: number): number {
  if (Math.abs(x) < 1e-6) return 1;
  if (Math.abs(Math.abs(x) - 1) < 1e-6) return 0.5;
  return Math.abs(Math.sin(Math.PI * x) / (Math.PI * x * (1 - x * x)));
}
