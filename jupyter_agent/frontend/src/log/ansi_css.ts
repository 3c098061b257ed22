/** The style sheet of coloured text: hues of the 256 colours of a terminal, as light or dark as the theme needs them. */

/** The first sixteen, as red, green and blue. */
const NAMED = [
  "000",
  "c22",
  "2a2",
  "a80",
  "36d",
  "b3b",
  "199",
  "999",
  "666",
  "f44",
  "4c4",
  "dc2",
  "58f",
  "e5e",
  "3dd",
  "bbb",
];
const LEVELS = [0, 95, 135, 175, 215, 255];

export function ansiCss(): string {
  return Array.from({ length: 256 }, (_, index) => {
    const [chroma, hue] = hueOf(rgbOf(index));
    return `.ja-fg-${index}{--ja-chroma:${chroma};--ja-hue:${hue}}.ja-bg-${index}{--ja-ground-chroma:${chroma};--ja-ground-hue:${hue}}`;
  }).join("");
}

function rgbOf(index: number): number[] {
  if (index < 16) return Array.from(NAMED[index]!, (digit) => Number.parseInt(digit, 16) * 17);
  if (index > 231) return Array<number>(3).fill(8 + 10 * (index - 232));
  const place = index - 16;
  return [Math.floor(place / 36), Math.floor(place / 6) % 6, place % 6].map((level) => LEVELS[level]!);
}

/** Return chroma and hue of a colour in OKLCH. */
function hueOf(rgb: number[]): [number, number] {
  const [red = 0, green = 0, blue = 0] = rgb.map((value) => (value / 255) ** 2.2);
  const long = Math.cbrt(0.4122 * red + 0.5363 * green + 0.0514 * blue);
  const middle = Math.cbrt(0.2119 * red + 0.6807 * green + 0.1074 * blue);
  const short = Math.cbrt(0.0883 * red + 0.2817 * green + 0.63 * blue);
  const [a, b] = [
    1.978 * long - 2.4286 * middle + 0.4506 * short,
    0.0259 * long + 0.7828 * middle - 0.8087 * short,
  ];
  const chroma = Math.min(0.16, Math.hypot(a, b));
  return [
    chroma < 0.01 ? 0 : Number(chroma.toFixed(3)),
    Math.round((Math.atan2(b, a) * 180) / Math.PI + 360) % 360,
  ];
}
