/**
 * Azurite in a process of its own, which ends with its parent: when the channel to the parent closes, however the
 * parent ended, Azurite shuts down as on SIGTERM and its data is flushed. It tells its parent which ports it has got.
 */
import { createRequire } from 'node:module';
import { type AddressInfo, Server } from 'node:net';
import { writeThrough } from './write-through.ts';

/** A connection that a client keeps open must not hold the process for longer. */
const SHUTDOWN_LIMIT_MS = 4000;

process.on('disconnect', () => process.emit('SIGTERM'));
process.on('SIGTERM', () => {
  setTimeout(() => process.exit(), SHUTDOWN_LIMIT_MS).unref();
  // The channel would keep the process for as long.
  if (process.connected) process.disconnect();
});

// Says which ports it has got: whoever only asks a port can't know who answers.
const { listen } = Server.prototype;
Server.prototype.listen = function (this: Server, ...given: unknown[]) {
  this.once('listening', () => process.send?.({ listening: (this.address() as AddressInfo).port }));
  return listen.apply(this, given as never);
} as typeof listen;

const azurite = createRequire(import.meta.resolve('azurite/package.json'));
if (process.env.AZURITE_WRITES_THROUGH === 'true') writeThrough(azurite('lokijs'));
azurite('./dist/src/azurite.js');
