// Draws a digit of 8×8 by mouse, finger or keyboard. Every stroke darkens the cells it passes and, less, their neighbours, as the strokes of the
// data set do, whose cells count the dark pixels of a 4×4 block (0 to 16).

const SIDE = 8;
const DARKEST = 16;

export class Digit {
  readonly cells = new Float32Array(SIDE * SIDE);
  private cursor = 27;
  private drawing = false;
  private focused = false;

  constructor(private readonly canvas: HTMLCanvasElement, private readonly changed: () => void) {
    canvas.addEventListener("pointerdown", (event) => {
      this.drawing = true;
      canvas.setPointerCapture(event.pointerId);
      this.stroke(event);
    });
    canvas.addEventListener("pointermove", (event) => this.drawing && this.stroke(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (this.drawing = false));
    canvas.addEventListener("focus", () => this.mark(true));
    canvas.addEventListener("blur", () => this.mark(false));
    canvas.addEventListener("keydown", (event) => this.key(event));
    this.draw();
  }

  clear(): void {
    this.cells.fill(0);
    this.draw();
    this.changed();
  }

  private mark(focused: boolean): void {
    this.focused = focused && this.canvas.matches(":focus-visible");
    this.draw();
  }

  private key(event: KeyboardEvent): void {
    const [x, y] = [this.cursor % SIDE, Math.floor(this.cursor / SIDE)];
    const moves: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const move = moves[event.key];
    if (move !== undefined) this.cursor = Math.max(0, Math.min(SIDE - 1, y + move[1])) * SIDE + Math.max(0, Math.min(SIDE - 1, x + move[0]));
    else if (event.key === " ") this.darken((x + 0.5), (y + 0.5));
    else return;
    event.preventDefault();
    this.focused = true;
    this.draw();
  }

  private stroke(event: PointerEvent): void {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    this.darken(((event.clientX - left) / width) * SIDE, ((event.clientY - top) / height) * SIDE);
  }

  private darken(x: number, y: number): void {
    for (let row = 0; row < SIDE; row++) {
      for (let column = 0; column < SIDE; column++) {
        const near = Math.max(0, 1 - Math.hypot(column + 0.5 - x, row + 0.5 - y) / 1.25);
        const place = row * SIDE + column;
        this.cells[place] = Math.max(this.cells[place], Math.min(DARKEST, Math.round(near * 1.6 * DARKEST)));
      }
    }
    this.draw();
    this.changed();
  }

  private draw(): void {
    const context = this.canvas.getContext("2d")!;
    const size = this.canvas.width / SIDE;
    this.cells.forEach((value, place) => {
      const shade = 255 - Math.round((value / DARKEST) * 225);
      context.fillStyle = `rgb(${shade} ${shade} ${shade})`;
      context.fillRect((place % SIDE) * size, Math.floor(place / SIDE) * size, size, size);
    });
    if (!this.focused) return;
    context.strokeStyle = "#1f5fa8";
    context.lineWidth = 3;
    context.strokeRect((this.cursor % SIDE) * size + 2, Math.floor(this.cursor / SIDE) * size + 2, size - 4, size - 4);
  }
}
