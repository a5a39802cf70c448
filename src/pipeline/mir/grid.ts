/** Length of an interval where there are no beats, in seconds. */
const FREE_INTERVAL = 0.25;
/** Shortest interval, in seconds: what is nearer joins its neighbour. */
const SHORTEST = 0.02;

/** The intervals that harmony is read from: half beats, from the song's start to its end without gaps. */
export interface Grid {
  /** Seconds, ascending, from 0 to the song's duration. */
  readonly edges: readonly number[];
  /** For each interval the index of the beat that it starts on, or null. */
  readonly beatOf: readonly (number | null)[];
}

/** Half-beat intervals; before the first and after the last beat, and where there are none, quarters of a second. */
export function beatGrid(beats: readonly number[], duration: number): Grid {
  const marks: { time: number; beat: number | null }[] = [{ time: 0, beat: null }];
  const add = (time: number, beat: number | null) => {
    const last = marks[marks.length - 1];
    if (time - last.time >= SHORTEST) marks.push({ time, beat });
    else if (beat !== null) marks[marks.length - 1] = { time: last.time, beat };
  };
  const fill = (to: number) => {
    while (to - marks[marks.length - 1].time > 1.5 * FREE_INTERVAL)
      add(marks[marks.length - 1].time + FREE_INTERVAL, null);
  };
  beats.forEach((time, i) => {
    if (i === 0) fill(time);
    else add((beats[i - 1] + time) / 2, null);
    add(time, i);
  });
  fill(duration);
  if (marks.length > 1 && duration - marks[marks.length - 1].time < SHORTEST) marks.pop();
  return { edges: [...marks.map(({ time }) => time), duration], beatOf: marks.map(({ beat }) => beat) };
}
