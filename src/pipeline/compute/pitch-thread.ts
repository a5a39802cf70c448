/** The thread that hears the pitches of a song, given by its path, while the process's main one hears its sounds. */
import { parentPort, workerData } from 'node:worker_threads';
import { SongFile } from '../audio/song.ts';
import { pitchFeatures } from '../mir/features/features.ts';

using song = new SongFile(workerData);
const features = pitchFeatures(song);
parentPort?.postMessage(features, [features.pitches.spectra.buffer]);
