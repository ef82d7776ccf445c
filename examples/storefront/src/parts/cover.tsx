/** A cover for each course, drawn from its id: tiles of arches, columns, suns and steps. */

const PALETTES = [
  ['#0d5c46', '#f0b429', '#fbf3df', '#d9603b'],
  ['#24365f', '#7fb4d6', '#f3e9d8', '#f0b429'],
  ['#6b2d4f', '#e59a8b', '#f7ece1', '#f2c14e'],
  ['#14544f', '#f3d9a4', '#e4572e', '#8fc7b5'],
  ['#3d4a2a', '#c5c98a', '#f4efdf', '#c8643c'],
  ['#3f3480', '#b7a8ec', '#f6f0fb', '#f2a65a'],
] as const;

const SIDE = 80;

type Draw = (color: string, second: string) => React.ReactNode;

/** The line around a shape reaches into its neighbours: between two that only touch, the ground would shine through. */
const paint = (color: string) => ({ fill: color, stroke: color, strokeWidth: 1 });

const MOTIFS: Draw[] = [
  (color) => <path d="M0 80A80 80 0 0 1 80 0V80Z" {...paint(color)} />,
  (color) => <path d="M0 0A80 80 0 0 0 80 80V0Z" {...paint(color)} />,
  (color, second) => (
    <>
      <circle cx="40" cy="40" r="40" {...paint(color)} />
      <circle cx="40" cy="40" r="16" fill={second} />
    </>
  ),
  // An arch with its door.
  (color, second) => (
    <>
      <path d="M0 80V40a40 40 0 0 1 80 0v40Z" {...paint(color)} />
      <path d="M22 80V44a18 18 0 0 1 36 0v36Z" {...paint(second)} />
    </>
  ),
  // Columns.
  (color) => (
    <path d="M0 0h12v80H0ZM22.700 0h12v80h-12ZM45.300 0h12v80h-12ZM68 0h12v80H68Z" {...paint(color)} />
  ),
  // Steps.
  (color) => <path d="M0 80V60h20V40h20V20h20V0h20v80Z" {...paint(color)} />,
  (color, second) => (
    <>
      <path d="M0 40a40 40 0 0 1 80 0Z" {...paint(color)} />
      <path d="M0 80a40 40 0 0 1 80 0Z" {...paint(second)} />
    </>
  ),
  (color) => <path d="M0 0h80L0 80Z" {...paint(color)} />,
  (color) => <rect width="80" height="80" {...paint(color)} />,
];

/** A wide one continues the other to the right. */
export function Cover({ id, wide = false }: { id: string; wide?: boolean }) {
  return <Mosaic seed={id} columns={wide ? 8 : 4} rows={2} />;
}

/** Tiles that the seed chooses, column by column. */
export function Mosaic({ seed, columns, rows }: { seed: string; columns: number; rows: number }) {
  const random = generator(seed);
  const pick = <Item,>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
  const palette = pick(PALETTES);
  const [ground, ...colors] = palette;
  const tiles = Array.from({ length: columns * rows }, (_, index) => {
    const color = pick(colors);
    const second = pick(palette.filter((other) => other !== color));
    const draw = pick(MOTIFS);
    const at = `translate(${Math.floor(index / rows) * SIDE} ${(index % rows) * SIDE})`;
    return { at, draw: draw(color, second) };
  });
  return (
    <svg
      className="cover"
      viewBox={`0 0 ${columns * SIDE} ${rows * SIDE}`}
      preserveAspectRatio="xMidYMid slice"
      aria-hidden="true"
      focusable="false"
    >
      <rect width="100%" height="100%" fill={ground} />
      {tiles.map(({ at, draw }) => (
        <g key={at} transform={at}>
          {draw}
        </g>
      ))}
    </svg>
  );
}

/** Numbers from 0 to 1, the same ones for the same text (mulberry32, seeded by FNV-1a). */
function generator(text: string): () => number {
  let state = 2_166_136_261;
  for (const letter of text) state = Math.imul(state ^ (letter.codePointAt(0) ?? 0), 16_777_619);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
