import { parseArgs } from 'node:util';

export const USAGE = `Usage: npm run models -- COMMAND

  list                                  what models there are, and which are installed
  fetch NAME                            download a released model and install it
  import FILE.th [FILE.th ...] --as NAME
                                        install a model from checkpoints on this disk: the files of a released
                                        model, or one file of your own weights under a name of your own
  verify [NAME]                         compare the files of one model, or of all, with what was installed
  remove NAME                           delete an installed model

  Models lie in MODELS_DIR (default: .local/models). MODELS_URL names a mirror to fetch from.`;

export type ModelCommand =
  | { readonly command: 'help' | 'list' }
  | { readonly command: 'fetch' | 'remove'; readonly name: string }
  | { readonly command: 'verify'; readonly name?: string }
  | { readonly command: 'import'; readonly name: string; readonly files: readonly string[] };

/** What the command line asks for. @throws TypeError with a message for people where it cannot be understood. */
export function parseModelCommand(argv: readonly string[]): ModelCommand {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { as: { type: 'string' }, help: { type: 'boolean', short: 'h', default: false } },
  });
  if (values.help) return { command: 'help' };
  const [command, ...names] = positionals;
  if (command === undefined) throw new TypeError('A command is missing.');
  if (values.as !== undefined && command !== 'import') throw new TypeError(`'${command}' takes no --as.`);
  switch (command) {
    case 'list':
      takes(command, names, 0, 0);
      return { command };
    case 'fetch':
    case 'remove':
      takes(command, names, 1, 1);
      return { command, name: names[0] };
    case 'verify':
      takes(command, names, 0, 1);
      return { command, name: names[0] };
    case 'import':
      takes(command, names, 1, Number.POSITIVE_INFINITY);
      if (!values.as) throw new TypeError("'import' needs --as NAME.");
      return { command, name: values.as, files: names };
    default:
      throw new TypeError(`There is no command '${command}'.`);
  }
}

function takes(command: string, names: readonly string[], least: number, most: number): void {
  if (names.length < least)
    throw new TypeError(`'${command}' needs ${command === 'import' ? 'a file' : 'a name'}.`);
  if (names.length > most) throw new TypeError(`'${names[most]}' is one argument too many.`);
}
