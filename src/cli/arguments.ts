import { parseArgs } from 'node:util';
import { isModel, MODELS } from '../pipeline/separation/models.ts';

export const USAGE = `Usage: npm run analyze -- [song ...] [--out DIR] [--model NAME] [--json]

  song          audio files (mp3, wav, flac, ogg, opus, m4a, aiff, wma); without any, the bundled demo song
  --out DIR     where the results go (default: out)
  --model NAME  what separates the stems (default: DEMUCS_MODEL, or htdemucs)
  --json        print the results as JSON and nothing else`;

export interface Arguments {
  readonly files: readonly string[];
  readonly out: string;
  readonly model?: string;
  readonly json: boolean;
  readonly help: boolean;
}

/** The command line's arguments. @throws TypeError for an unknown option or model, with a message for people. */
export function parseArguments(argv: readonly string[], demoSong: string): Arguments {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      out: { type: 'string', default: 'out' },
      model: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.model !== undefined && !isModel(values.model))
    throw new TypeError(`There is no model '${values.model}'. Known: ${MODELS.join(', ')}.`);
  return { ...values, files: positionals.length > 0 ? positionals : [demoSong] };
}
