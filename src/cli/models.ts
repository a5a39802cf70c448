/** `npm run models`: which models there are; fetches, imports, verifies and removes them. */
import { applySettings } from '../local/environment.ts';
import { type Config, readConfig } from '../pipeline/config.ts';
import { fetchModel, importModel } from '../pipeline/models/install.ts';
import { type ModelEntry, modelEntry } from '../pipeline/models/manifest.ts';
import { type InstalledModel, listInstalled, removeModel, verifyModel } from '../pipeline/models/store.ts';
import { DownloadBar } from './download-bar.ts';
import { exitCodeOf, INTERRUPTED, messageOf, WRONG_CALL } from './exit-code.ts';
import { ROOT } from './local-host.ts';
import { type ModelCommand, parseModelCommand, USAGE } from './model-arguments.ts';
import { modelTable } from './model-table.ts';

async function main(): Promise<number> {
  let given: ModelCommand;
  try {
    given = parseModelCommand(process.argv.slice(2));
  } catch (error) {
    console.error(`${messageOf(error)}\n\n${USAGE}`);
    return WRONG_CALL;
  }
  try {
    return await run(given);
  } catch (error) {
    console.error(messageOf(error));
    return exitCodeOf(error);
  }
}

async function run(given: ModelCommand): Promise<number> {
  if (given.command === 'help') {
    console.log(USAGE);
    return 0;
  }
  applySettings({ root: ROOT });
  const config = readConfig();
  switch (given.command) {
    case 'list':
      console.log(modelTable(config.modelsDir));
      return 0;
    case 'fetch':
      return await fetchReleased(given.name, config);
    case 'import':
      report(await importModel(given.files, given.name, config));
      return 0;
    case 'verify':
      return await verify(given.name ? [given.name] : listInstalled(config.modelsDir), config);
    case 'remove':
      await removeModel(config.modelsDir, given.name);
      console.log(`The model '${given.name}' was removed from ${config.modelsDir}.`);
      return 0;
  }
}

async function fetchReleased(name: string, config: Config): Promise<number> {
  const entry = modelEntry(name);
  if (entry?.networks.length === 0) {
    console.log(`The model '${name}' is part of this program; it needs no files.`);
    return 0;
  }
  const there = await verifyModel(config.modelsDir, name).catch(() => undefined);
  if (there?.networks.every(({ released }) => released)) {
    console.log(`The model '${name}' is there already: ${there.folder}`);
    return 0;
  }
  if (entry) console.log(noteOn(entry));
  const interrupt = new AbortController();
  // Not once: after Ctrl-C the signal comes from the terminal and from npm, and the second would kill.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupt.abort());
  try {
    using bar = new DownloadBar();
    const { signal } = interrupt;
    report(await fetchModel(name, config, { onProgress: (done) => bar.update(done), signal }));
    return 0;
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    console.error('Interrupted. The same command goes on where this one stopped.');
    return INTERRUPTED;
  }
}

/** Verifies every model; one that is damaged doesn't stop the others. Returns the exit code. */
async function verify(names: readonly string[], { modelsDir }: Config): Promise<number> {
  if (names.length === 0) console.log(`There are no models in ${modelsDir}.`);
  let code = 0;
  for (const name of names) {
    if (modelEntry(name)?.networks.length === 0) {
      console.log(`${name}: part of this program, has no files`);
      continue;
    }
    try {
      await verifyModel(modelsDir, name);
      console.log(`${name}: every file is as it was installed`);
    } catch (error) {
      console.error(messageOf(error));
      code = 1;
    }
  }
  return code;
}

function report({ name, folder, networks }: InstalledModel): void {
  const others = networks.filter(({ released }) => !released).map(({ checkpoint }) => checkpoint.file);
  if (modelEntry(name) && others.length > 0)
    console.log(`Note: these are not the released weights of '${name}': ${others.join(', ')}.`);
  console.log(`The model '${name}' is installed: ${folder}`);
}

const noteOn = ({ licence, citation }: ModelEntry): string => `${licence}\nPlease cite: ${citation}`;

process.exit(await main());
