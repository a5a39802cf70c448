import { createRequire } from 'node:module';
import { ffmpegPath } from './audio/ffmpeg.ts';
import { readConfig } from './config.ts';
import { isAvailable } from './separation/registry.ts';
import { openContainer } from './storage/container.ts';

export type ServiceState = 'available' | 'missing' | 'unavailable';
export type ServiceHealth = Record<'demucs' | 'spectral' | 'essentia' | 'ffmpeg' | 'storage', ServiceState>;

/** How long an answer about the storage is good for. */
const STORAGE_FRESH_MS = 10_000;
/** Health answers within 100 ms: a storage that needs longer counts as unavailable until it has answered. */
const STORAGE_PATIENCE_MS = 80;

let storage: { at: number; state: ServiceState } = { at: 0, state: 'unavailable' };
let asking: Promise<void> | undefined;

/** The state of everything that a run needs. */
export async function serviceHealth(): Promise<ServiceHealth> {
  const config = readConfig();
  return {
    demucs: isAvailable(config.model) ? 'available' : 'missing',
    spectral: 'available',
    essentia: isThere(() => createRequire(import.meta.url).resolve('essentia.js')),
    ffmpeg: isThere(ffmpegPath),
    storage: await storageState(),
  };
}

async function storageState(): Promise<ServiceState> {
  if (Date.now() - storage.at > STORAGE_FRESH_MS) {
    asking ??= askStorage().finally(() => {
      asking = undefined;
    });
    await Promise.race([asking, new Promise((resolve) => setTimeout(resolve, STORAGE_PATIENCE_MS))]);
  }
  return storage.state;
}

async function askStorage(): Promise<void> {
  let state: ServiceState;
  try {
    state = (await openContainer(readConfig()).exists()) ? 'available' : 'missing';
  } catch {
    state = 'unavailable';
  }
  storage = { at: Date.now(), state };
}

function isThere(locate: () => unknown): ServiceState {
  try {
    locate();
    return 'available';
  } catch {
    return 'missing';
  }
}
