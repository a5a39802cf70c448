/** How channels become two: ITU-R BS.775 where their places are known, all alike where they are not. */

/** Channels of the layouts that have a name of their own in ffmpeg. */
const LAYOUTS: Readonly<Record<string, string>> = {
  stereo: 'FL+FR',
  downmix: 'FL+FR',
  '2.1': 'FL+FR+LFE',
  '3.0': 'FL+FR+FC',
  '3.0(back)': 'FL+FR+BC',
  '4.0': 'FL+FR+FC+BC',
  quad: 'FL+FR+BL+BR',
  'quad(side)': 'FL+FR+SL+SR',
  '3.1': 'FL+FR+FC+LFE',
  '5.0': 'FL+FR+FC+BL+BR',
  '5.0(side)': 'FL+FR+FC+SL+SR',
  '4.1': 'FL+FR+FC+LFE+BC',
  '5.1': 'FL+FR+FC+LFE+BL+BR',
  '5.1(side)': 'FL+FR+FC+LFE+SL+SR',
  '6.0': 'FL+FR+FC+BC+SL+SR',
  '6.0(front)': 'FL+FR+FLC+FRC+SL+SR',
  '3.1.2': 'FL+FR+FC+LFE+TFL+TFR',
  hexagonal: 'FL+FR+FC+BL+BR+BC',
  '6.1': 'FL+FR+FC+LFE+BC+SL+SR',
  '6.1(back)': 'FL+FR+FC+LFE+BL+BR+BC',
  '6.1(front)': 'FL+FR+LFE+FLC+FRC+SL+SR',
  '7.0': 'FL+FR+FC+BL+BR+SL+SR',
  '7.0(front)': 'FL+FR+FC+FLC+FRC+SL+SR',
  '7.1': 'FL+FR+FC+LFE+BL+BR+SL+SR',
  '7.1(wide)': 'FL+FR+FC+LFE+BL+BR+FLC+FRC',
  '7.1(wide-side)': 'FL+FR+FC+LFE+FLC+FRC+SL+SR',
  octagonal: 'FL+FR+FC+BL+BR+BC+SL+SR',
  cube: 'FL+FR+BL+BR+TFL+TFR+TBL+TBR',
  '5.1.2': 'FL+FR+FC+LFE+SL+SR+TFL+TFR',
  '5.1.2(back)': 'FL+FR+FC+LFE+BL+BR+TFL+TFR',
  '5.1.4': 'FL+FR+FC+LFE+SL+SR+TFL+TFR+TBL+TBR',
  '5.1.4(back)': 'FL+FR+FC+LFE+BL+BR+TFL+TFR+TBL+TBR',
  '7.1.2': 'FL+FR+FC+LFE+BL+BR+SL+SR+TFL+TFR',
  '7.1.4(back)': 'FL+FR+FC+LFE+BL+BR+SL+SR+TFL+TFR+TBL+TBR',
};
/**
 * Formats whose places follow from the number of channels alone, so that those of files with other channels are guesses.
 * WavPack names them, but its encoders guess where they aren't told.
 */
const GUESSING = new Set(['flac', 'vorbis', 'opus', 'alac', 'tta', 'wavpack']);

const { SQRT1_2 } = Math;
type Gains = readonly [left: number, right: number];

/**
 * ffmpeg's filter that makes stereo of a stream: mono doubled at its own level, two channels as they are. Of more, the
 * front ones in full, the others at -3 dB on their side or on both; no LFE, unless it is one by a format's guess alone;
 * channels without known places go to both sides alike. All of it is lowered so that channels at full scale give full
 * scale.
 *
 * @param layout ffmpeg's word for the channels: `5.1`, `3 channels` (unknown), `3 channels (FL+FR+LFE)`, `ambisonic 1`.
 * @param codec ffmpeg's name of the codec.
 */
export function mixFilter(layout: string, codec: string, isDeclared: boolean): string {
  // In joined files mono may follow, which a filter for two channels would leave on one side.
  if (layout === 'stereo') return 'anull';
  const gains = gainsOf(layout, GUESSING.has(codec) && !isDeclared);
  // A mix that takes one channel for each side fails in ffmpeg where it doesn't know such a pair, as of the back alone.
  const [left, right] = [0, 1].map((side) => soleChannel(gains.map((gain) => gain[side])));
  if (left !== undefined && right !== undefined) return `channelmap=${left}|${right}:stereo`;
  const loudest = Math.max(
    ...[0, 1].map((side) => gains.reduce((sum, gain) => sum + Math.abs(gain[side]), 0)),
  );
  const sum = (side: number) =>
    gains
      .map((gain, channel) => ({ gain: gain[side] / loudest, channel }))
      .filter(({ gain }) => gain !== 0)
      .map(({ gain, channel }) => `${+gain.toFixed(7)}*c${channel}`)
      .join('+');
  return `pan=stereo|c0=${sum(0)}|c1=${sum(1)}`;
}

/** The one channel that a side consists of; `undefined` where there are several. */
function soleChannel(gains: readonly number[]): number | undefined {
  const channel = gains.findIndex((gain) => gain !== 0);
  return gains.findLastIndex((gain) => gain !== 0) === channel ? channel : undefined;
}

/** Number of channels of a layout. */
export function channelCount(layout: string): number {
  if (layout === 'mono') return 1;
  const order = /^ambisonic (\d+)/.exec(layout)?.[1];
  if (order) return (Number(order) + 1) ** 2;
  const named = LAYOUTS[layout]?.split('+').length;
  return named ?? Number(/^(\d+) channels?/.exec(layout)?.[1] ?? 0);
}

function gainsOf(layout: string, withLfe: boolean): readonly Gains[] {
  const count = channelCount(layout);
  if (count === 1) return [[1, 1]];
  if (layout.startsWith('ambisonic')) return ambisonic(count);
  const channels = (LAYOUTS[layout] ?? /\(([A-Z0-9+]+)\)/.exec(layout)?.[1])?.split('+');
  const gains = channels?.map((channel) => gainOf(channel, withLfe));
  if (gains?.length === count && gains.flat().some((gain) => gain > 0)) return gains;
  if (count === 2) return [[1, 0], [0, 1]]; // biome-ignore format: a matrix
  return Array.from({ length: count }, () => [1, 1] as const);
}

/** Two cardioids to the left and the right, of the first channels W and Y (ACN order). */
const ambisonic = (count: number): readonly Gains[] =>
  Array.from({ length: count }, (_, i) => (i === 0 ? [1, 1] : i === 1 ? [1, -1] : [0, 0]));

function gainOf(channel: string, withLfe: boolean): Gains {
  switch (channel) {
    case 'FL':
    case 'DL':
      return [1, 0];
    case 'FR':
    case 'DR':
      return [0, 1];
    case 'BC':
      return [0.5, 0.5];
    case 'LFE':
    case 'LFE2':
      return withLfe ? [SQRT1_2, SQRT1_2] : [0, 0];
    default:
      // FLC and FRC lie left and right of the centre, all others tell their side at the end.
      if (/L$|^FLC$/.test(channel)) return [SQRT1_2, 0];
      if (/R$|^FRC$/.test(channel)) return [0, SQRT1_2];
      return [SQRT1_2, SQRT1_2];
  }
}
