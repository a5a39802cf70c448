/** `npm start`: the worker on PORT (default 7071) of HOST (default 127.0.0.1), until Ctrl-C. */
import { parseArgs } from 'node:util';
import { applySettings } from '../local/environment.ts';
import { serve } from '../local/serve.ts';
import { readConfig } from '../pipeline/config.ts';
import { openContainer } from '../pipeline/storage/container.ts';
import { exitCodeOf, messageOf, WRONG_CALL } from './exit-code.ts';
import { localHost } from './local-host.ts';

const USAGE = `Usage: npm start

Runs the worker until Ctrl-C. Settings are environment variables or Values of local.settings.json; PORT, HOST,
ALLOWED_HOSTS, LOCAL_DIR, AZURITE_BLOB_PORT and AZURITE_QUEUE_PORT are environment variables only.`;

function wantsHelp(): boolean {
  try {
    return parseArgs({ options: { help: { type: 'boolean', short: 'h' } } }).values.help ?? false;
  } catch (error) {
    console.error(`${messageOf(error)}\n\n${USAGE}`);
    process.exit(WRONG_CALL);
  }
}

if (wantsHelp()) console.log(USAGE);
else
  try {
    const host = localHost();
    applySettings(host);
    openContainer(readConfig()); // A setting that is wrong is told in a line, before anything starts.
    await serve(host);
  } catch (error) {
    console.error(messageOf(error));
    process.exit(exitCodeOf(error));
  }
