import { parseArgs } from 'node:util';

export const USAGE = `Usage: npm run analyze -- [song ...] [--out DIR] [--model NAME] [--stems NAMES] [--json]

  song          audio files (mp3, wav, flac, ogg, opus, m4a, aiff, wma); without any, the bundled demo song
  --out DIR     where the results go (default: out)
  --model NAME  what separates the stems (default: DEMUCS_MODEL, or htdemucs)
  --stems NAMES stems to make, with commas; one alone comes with what it leaves of the song
                (--stems vocals gives vocals and no_vocals)
  --json        print the results as JSON and nothing else`;

export interface Arguments {
  readonly files: readonly string[];
  readonly out: string;
  readonly model?: string;
  readonly stems?: readonly string[];
  readonly json: boolean;
  readonly help: boolean;
}

/** The command line's arguments. @throws TypeError for an unknown option, with a message for people. */
export function parseArguments(argv: readonly string[], demoSong: string): Arguments {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      out: { type: 'string', default: 'out' },
      model: { type: 'string' },
      stems: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const stems = values.stems?.split(/[\s,]+/).filter(Boolean);
  return { ...values, stems, files: positionals.length > 0 ? positionals : [demoSong] };
}
