import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** The song that is analysed when none is named. */
export const DEMO_SONG = fileURLToPath(new URL('../../demo/demo-song.ogg', import.meta.url));

/** Settings that the local commands use where neither the environment nor local.settings.json has them. */
export const LOCAL_DEFAULTS: Readonly<Record<string, string>> = {
  BLOB_CONTAINER_NAME: 'audio-files',
  MODEL_FALLBACK: 'spectral',
};
