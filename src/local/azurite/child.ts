/**
 * Azurite in a process of its own, which ends with its parent: when the channel to the parent closes, however the
 * parent ended, Azurite shuts down as on SIGTERM and its data is flushed.
 */
import { createRequire } from 'node:module';

/** A connection that a client keeps open must not hold the process for longer. */
const SHUTDOWN_LIMIT_MS = 4000;

process.on('disconnect', () => process.emit('SIGTERM'));
process.on('SIGTERM', () => setTimeout(() => process.exit(), SHUTDOWN_LIMIT_MS).unref());

createRequire(import.meta.url)('azurite/dist/src/azurite.js');
