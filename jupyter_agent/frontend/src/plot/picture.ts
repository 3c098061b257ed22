/** A picture of panels: their plots with their titles. */

const MARGIN = 12;

/** Draw what `box` shows into a PNG: its canvases, and the texts and colour marks with `data-picture`. Rejects when
 * the browser makes no picture. */
export async function pictureOf(box: HTMLElement, background: string): Promise<Blob> {
  const frame = box.getBoundingClientRect();
  const canvas = document.createElement("canvas");
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.ceil((frame.width + 2 * MARGIN) * scale);
  canvas.height = Math.ceil((frame.height + 2 * MARGIN) * scale);
  const context = canvas.getContext("2d")!;
  context.scale(scale, scale);
  context.fillStyle = background;
  context.fillRect(0, 0, frame.width + 2 * MARGIN, frame.height + 2 * MARGIN);
  context.translate(MARGIN - frame.left, MARGIN - frame.top);
  for (const plot of box.querySelectorAll("canvas")) {
    const place = plot.getBoundingClientRect();
    context.drawImage(plot, place.left, place.top, place.width, place.height);
  }
  for (const part of box.querySelectorAll<HTMLElement>("[data-picture]")) drawPart(context, part);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The browser made no picture.")))),
  );
}

function drawPart(context: CanvasRenderingContext2D, part: HTMLElement): void {
  const [place, style] = [part.getBoundingClientRect(), getComputedStyle(part)];
  if (place.width === 0) return;
  if (part.textContent === "") {
    context.fillStyle = style.backgroundColor;
    return context.fillRect(place.left, place.top, place.width, place.height);
  }
  context.fillStyle = style.color;
  context.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  context.textBaseline = "middle";
  context.fillText(
    shortened(context, part.textContent, place.width),
    place.left,
    place.top + place.height / 2,
  );
}

/** Return as much of a text as has room, as `text-overflow: ellipsis` does. */
function shortened(context: CanvasRenderingContext2D, text: string, room: number): string {
  if (context.measureText(text).width <= room + 1) return text;
  let end = text.length;
  while (end > 0 && context.measureText(`${text.slice(0, end)}…`).width > room) end -= 1;
  return `${text.slice(0, end)}…`;
}
