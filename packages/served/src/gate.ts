/** How a piece of work comes to a {@link Gate}. */
export interface Pass {
  /** Whether it goes before all that comes for the first time: what was begun is ended first. */
  readonly returning: boolean;
  /** Takes it out of the queue; it then rejects with the signal's reason. */
  readonly signal: AbortSignal | undefined;
}

interface Place {
  readonly enter: () => void;
  left: boolean;
}

/** Lets so many pieces of work run at once; the others wait in the order they came, those that return before all others. */
export class Gate {
  private free: number;
  private freeTime = 0;
  private changed = performance.now();
  private readonly returning = new Queue();
  private readonly newcomers = new Queue();

  constructor(width: number) {
    this.free = width;
  }

  /** Time that its places have been free, added up over places, in ms; while one is free, nobody waits at the gate. */
  get idle(): number {
    return this.freeTime + this.free * (performance.now() - this.changed);
  }

  /** Runs `work` once there is room. */
  async pass<T>(work: () => Promise<T>, { returning, signal }: Pass): Promise<T> {
    signal?.throwIfAborted();
    if (this.free > 0) this.set(this.free - 1);
    else await wait(returning ? this.returning : this.newcomers, signal);
    try {
      return await work();
    } finally {
      const next = this.returning.take() ?? this.newcomers.take();
      if (next === undefined) this.set(this.free + 1);
      else next.enter();
    }
  }

  private set(free: number): void {
    this.freeTime = this.idle;
    this.changed = performance.now();
    this.free = free;
  }
}

function wait(queue: Queue, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      place.left = true;
      reject(signal?.reason);
    };
    const enter = () => {
      signal?.removeEventListener('abort', leave);
      resolve();
    };
    const place: Place = { enter, left: false };
    signal?.addEventListener('abort', leave, { once: true });
    queue.add(place);
  });
}

/** First in, first out; who left is passed over. */
class Queue {
  private places: Place[] = [];
  private head = 0;

  add(place: Place): void {
    this.places.push(place);
  }

  take(): Place | undefined {
    while (this.head < this.places.length) {
      const place = this.places[this.head++]!;
      if (!place.left) {
        this.forget();
        return place;
      }
    }
    this.forget();
    return undefined;
  }

  /** Gives the memory of those who went back, now and then. */
  private forget(): void {
    if (this.head * 2 < this.places.length) return;
    this.places = this.places.slice(this.head);
    this.head = 0;
  }
}
