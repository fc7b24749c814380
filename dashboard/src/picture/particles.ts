/** Dots that run along the lines of the picture: each is a change on its way. Drawn on one canvas, a bounded number at once. */

export interface Lane {
  /** From the hub outward; the inward dots run it backwards. */
  readonly outward: SVGPathElement;
  readonly inward: SVGPathElement;
}

interface Particle {
  readonly path: SVGPathElement;
  readonly length: number;
  readonly color: 'outward' | 'inward';
  readonly startsAt: number;
}

const lifeMs = 1_100;
const most = 160;
/** Of one line at once: more would be a smear. */
const mostOfLane = 14;

export class Particles {
  readonly #canvas: HTMLCanvasElement;
  readonly #colors: () => Readonly<Record<Particle['color'], string>>;
  #particles: Particle[] = [];
  #frame: number | undefined;

  constructor(canvas: HTMLCanvasElement, colors: () => Readonly<Record<Particle['color'], string>>) {
    this.#canvas = canvas;
    this.#colors = colors;
  }

  send(lane: Lane, color: Particle['color'], count: number): void {
    const path = lane[color];
    const now = performance.now();
    const under = this.#particles.filter((one) => one.path === path).length;
    const added = Math.min(count, mostOfLane - under, most - this.#particles.length);
    const length = path.getTotalLength();
    for (let index = 0; index < added; index++)
      this.#particles.push({ path, length, color, startsAt: now + (index * 240) / Math.max(1, added / 3) });
    if (this.#particles.length > 0) this.#frame ??= requestAnimationFrame(() => this.#draw());
  }

  stop(): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    this.#frame = undefined;
    this.#particles = [];
  }

  #draw(): void {
    this.#frame = undefined;
    const context = this.#canvas.getContext('2d');
    if (context === null) return;
    const scale = window.devicePixelRatio;
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    if (this.#canvas.width !== Math.round(width * scale) || this.#canvas.height !== Math.round(height * scale)) {
      this.#canvas.width = Math.round(width * scale);
      this.#canvas.height = Math.round(height * scale);
    }
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    const now = performance.now();
    const colors = this.#colors();
    this.#particles = this.#particles.filter((one) => now < one.startsAt + lifeMs);
    for (const { path, length, color, startsAt } of this.#particles) {
      const share = (now - startsAt) / lifeMs;
      if (share < 0) continue;
      const eased = share < 0.5 ? 2 * share * share : 1 - (2 - 2 * share) ** 2 / 2;
      const { x, y } = path.getPointAtLength(eased * length);
      context.globalAlpha = Math.min(1, share * 6, (1 - share) * 6);
      context.fillStyle = colors[color];
      context.beginPath();
      context.arc(x, y, 3.5, 0, 2 * Math.PI);
      context.fill();
    }
    context.globalAlpha = 1;
    if (this.#particles.length > 0) this.#frame = requestAnimationFrame(() => this.#draw());
  }
}
