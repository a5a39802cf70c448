import { createRequire } from 'node:module';

/** A vector on WebAssembly's heap, which never shrinks: whoever makes one deletes it. */
interface Vector {
  delete(): void;
}

/** The part of essentia.js that the analysis uses. */
interface Essentia {
  arrayToVector(values: Float32Array): Vector;
  Key(
    pcp: Vector,
    numHarmonics: number,
    pcpSize: number,
    profileType: string,
    slope: number,
    useMajMin: boolean,
    usePolyphony: boolean,
    useThreeChords: boolean,
  ): { readonly key: string; readonly scale: string };
}

/** Handlers that essentia.js installs when it is loaded; they end the process on any unhandled rejection. */
const INTRUSIVE_EVENTS = ['unhandledRejection', 'uncaughtException'] as const;

let loaded: Essentia | undefined;

/** essentia.js, loaded once, without the process-wide handlers that it brings along. */
export function essentia(): Essentia {
  if (loaded) return loaded;
  const before = INTRUSIVE_EVENTS.map((event) => process.rawListeners(event));
  const library = createRequire(import.meta.url)('essentia.js');
  INTRUSIVE_EVENTS.forEach((event, i) => {
    for (const listener of process.rawListeners(event))
      if (!before[i].includes(listener)) process.off(event, listener as (...args: unknown[]) => void);
  });
  loaded = new library.Essentia(library.EssentiaWASM) as Essentia;
  return loaded;
}
