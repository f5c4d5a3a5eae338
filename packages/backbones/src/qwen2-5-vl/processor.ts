import type { Image } from '@thinkrl/spec';
import type { ChatTemplate, ChatTurn } from './chat-template.ts';
import { QwenVlInputError } from './error.ts';
import { cellsOf, type Patches, type PatchOptions, patchesOf } from './patches.ts';
import type { QwenVlTokenizer } from './tokenizer.ts';

/** A text with pictures as the model takes it. */
export interface EncodedText {
  /** Token ids, one picture token for each merged cell of a picture. */
  readonly ids: Int32Array;
  readonly patches: Patches;
}

/** What a {@link QwenVlProcessor} is made of. */
export interface ProcessorParts {
  readonly tokenizer: QwenVlTokenizer;
  readonly template: ChatTemplate;
  readonly patches: PatchOptions;
  readonly imageToken: number;
}

/** Turns texts, pictures and conversations into tokens and patches. */
export class QwenVlProcessor {
  readonly tokenizer: QwenVlTokenizer;
  readonly template: ChatTemplate;
  private readonly patchOptions: PatchOptions;
  private readonly imageToken: number;

  constructor({ tokenizer, template, patches, imageToken }: ProcessorParts) {
    this.tokenizer = tokenizer;
    this.template = template;
    this.patchOptions = patches;
    this.imageToken = imageToken;
  }

  /**
   * A whole text with one `<|image_pad|>` for each picture.
   *
   * @throws QwenVlInputError when their numbers differ.
   * @example
   * processor.encode('<|vision_start|><|image_pad|><|vision_end|>What is this?', [image]);
   */
  encode(text: string, images: readonly Image[] = []): EncodedText {
    const patches = patchesOf(images, this.patchOptions);
    const short = this.tokenizer.encode(text);
    const places = short.filter((id) => id === this.imageToken).length;
    if (places !== images.length)
      throw new QwenVlInputError(`the text has place for ${places} pictures, there are ${images.length}`);
    const cells = patches.grids.map((grid) => cellsOf(grid, this.patchOptions.merge));
    let picture = 0;
    const ids = [...short].flatMap((id) =>
      id === this.imageToken ? new Array<number>(cells[picture++]!).fill(id) : [id],
    );
    return { ids: Int32Array.from(ids), patches };
  }

  /** A conversation up to where the assistant is to speak. Throws {@link QwenVlInputError} for texts with special tokens. */
  chat(turns: readonly ChatTurn[]): EncodedText {
    this.checkTexts(turns);
    return this.encode(this.template.render(turns), imagesIn(turns));
  }

  /** What goes on after the assistant's reply to `turns`, from the token that ends the reply on. */
  chatNext(turns: readonly ChatTurn[], next: readonly ChatTurn[]): EncodedText {
    this.checkTexts(next);
    return this.encode(this.template.renderNext(turns, next), imagesIn(next));
  }

  private checkTexts(turns: readonly ChatTurn[]): void {
    for (const part of turns.flatMap(({ content }) => content)) {
      const special = typeof part === 'string' ? this.tokenizer.specialIn(part) : undefined;
      if (special !== undefined)
        throw new QwenVlInputError(`a text contains ${special}, which would count as the special token`);
    }
  }
}

/** Patches of several texts side by side. */
export function joinPatches(parts: readonly Patches[]): Patches {
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.data.length, 0));
  let offset = 0;
  for (const part of parts) {
    data.set(part.data, offset);
    offset += part.data.length;
  }
  return {
    data,
    numbers: Math.max(0, ...parts.map(({ numbers }) => numbers)),
    grids: parts.flatMap(({ grids }) => grids),
  };
}

function imagesIn(turns: readonly ChatTurn[]): readonly Image[] {
  return turns.flatMap(({ content }) => content.filter((part): part is Image => typeof part !== 'string'));
}
