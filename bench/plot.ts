/** A line of a plot. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

const WIDTH = 640;
const HEIGHT = 360;
const MARGIN = 56;
/** Height of a line of the legend. */
const LEGEND_LINE = 18;
const COLOURS = ['#2563eb', '#c2410c', '#15803d', '#7c3aed', '#be185d', '#0e7490', '#a16207', '#475569'];
/** Powers of ten, and their doubles and quintuples. */
const TICKS = [1, 2, 5];
/** Ticks of a linear axis. */
const LINEAR_TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1];

/** Lines over logarithmic axes, or over linear ones from 0 to 1, as an SVG picture. */
export function plot(
  xLabel: string,
  series: readonly Series[],
  scale: 'logarithmic' | 'unit' = 'logarithmic',
): string {
  const all = series.flatMap(({ points }) => points);
  const axis = scale === 'unit' ? unitAxis : logarithmicAxis;
  const x = axis(
    all.map(([value]) => value),
    MARGIN,
    WIDTH - MARGIN,
  );
  const y = axis(
    all.map(([, value]) => value),
    HEIGHT - MARGIN,
    MARGIN,
  );
  const lines = series.map(({ points }, i) => {
    const path = points.map(([a, b], k) => `${k ? 'L' : 'M'}${x.at(a)} ${y.at(b)}`).join('');
    return `<path d="${path}" fill="none" stroke="${COLOURS[i]}" stroke-width="2"/>`;
  });
  // In the upper left corner, which lines that rise leave free.
  const legend = series.map(
    ({ name }, i) =>
      `<text x="${MARGIN + LEGEND_LINE / 2}" y="${MARGIN + (i + 1) * LEGEND_LINE}" fill="${COLOURS[i]}" stroke="#fff" stroke-width="3" paint-order="stroke">${name}</text>`,
  );
  const xTicks = x.ticks.map(
    (value) =>
      `<path d="M${x.at(value)} ${MARGIN}V${HEIGHT - MARGIN}" stroke="#ddd"/><text x="${x.at(value)}" y="${HEIGHT - MARGIN + 18}" text-anchor="middle">${value}</text>`,
  );
  const yTicks = y.ticks.map(
    (value) =>
      `<path d="M${MARGIN} ${y.at(value)}H${WIDTH - MARGIN}" stroke="#ddd"/><text x="${MARGIN - 6}" y="${y.at(value) + 4}" text-anchor="end">${value}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<title>${series.map(({ name }) => name).join(', ')} over ${xLabel}</title>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
${[...xTicks, ...yTicks, ...lines, ...legend].join('\n')}
<text x="${WIDTH / 2}" y="${HEIGHT - 12}" text-anchor="middle">${xLabel}</text>
</svg>
`;
}

function unitAxis(_values: readonly number[], from: number, to: number) {
  return {
    at: (value: number): number => Math.round(from + value * (to - from)),
    ticks: LINEAR_TICKS,
  };
}

function logarithmicAxis(values: readonly number[], from: number, to: number) {
  const [low, high] = [Math.min(...values), Math.max(...values)].map(Math.log10);
  const exponents = Array.from(
    { length: Math.ceil(high) - Math.floor(low) + 1 },
    (_, i) => Math.floor(low) + i,
  );
  return {
    at: (value: number): number =>
      Math.round(from + ((Math.log10(value) - low) / (high - low || 1)) * (to - from)),
    ticks: exponents
      .flatMap((e) => TICKS.map((tick) => Number((tick * 10 ** e).toPrecision(1))))
      .filter((tick) => Math.log10(tick) >= low - 1e-9 && Math.log10(tick) <= high + 1e-9),
  };
}
