import { told } from '../text/told.ts';
import { HostSetupError } from './errors.ts';
import { type Host, type HostOptions, startHost } from './host.ts';
import { describe } from './log.ts';

/**
 * Runs a host until SIGINT or SIGTERM, then stops it and ends the process with 0; a second signal ends it at once.
 * Addresses go to standard output, the log to standard error.
 */
export async function serve(options: HostOptions): Promise<void> {
  let host: Host | undefined;
  let stopping = false;
  const onSignal = async () => {
    if (stopping) process.exit(130);
    stopping = true;
    process.stderr.write('stopping; what is under way goes on at the next start. Once more to force\n');
    if (!host) return; // still starting: it is stopped as soon as it is up
    await end(host);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);

  try {
    host = await startHost(options);
  } catch (error) {
    process.stderr.write(`${told(error instanceof HostSetupError ? error.message : describe(error))}\n`);
    process.exit(1);
  }
  if (stopping) return end(host);
  process.stdout.write(`${addresses(host)}\n`);
}

async function end(host: Host): Promise<never> {
  try {
    await host.stop();
    process.stderr.write('stopped\n');
  } catch (error) {
    process.stderr.write(`${told(describe(error))}\n`);
    process.exit(1);
  }
  process.exit(0);
}

/** Everything that the host can be reached by, one a line. */
export function addresses(host: Host): string {
  const http = host.routes.map(
    ({ functionName, template, methods }) =>
      `  ${functionName}: [${methods.join(',')}] ${host.url}${template}`,
  );
  const blobs = host.blobTriggers.map(({ functionName, path }) => `  ${functionName}: blobs of ${path}`);
  const azurite = host.azurite ? [`  Azurite: ${host.azurite.blobUrl}, ${host.azurite.queueUrl}`] : [];
  return [`Listening on ${host.url}`, ...http, ...blobs, ...azurite].join('\n');
}
