import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

/** A PNG of one colour. */
export function png(red: number, green: number, blue: number): Promise<Buffer> {
  const background = { r: red, g: green, b: blue };
  return sharp({ create: { width: 8, height: 8, channels: 3, background } })
    .png()
    .toBuffer();
}

/** A folder of KRIS-Bench with six samples of all scripts and `more` plain ones, all pictures real PNG files. */
export async function krisFolder(more = 0): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'thinkrl-kris-'));
  const plain = (id: string) => ({
    ori_img: `${id}.png`,
    gt_img: '',
    ins_en: `Make it new, ${id}.`,
    explain_en: '',
  });
  const annotations = {
    color_change: { '1': plain('1'), '2': plain('2') },
    count_change: Object.fromEntries(
      Array.from({ length: more }, (_, index) => [`${index}`, plain(`${index}`)]),
    ),
    chemistry: { '1': { ...plain('1'), explain_en: 'Copper turns green.' } },
    viewpoint_change: { '1': { ...plain('1'), gt_img: '1_gt.png' } },
    temporal_prediction: {
      '1': { ...plain('1'), ori_img: ['1-1.png', '1-2.png', '1-4.png'], gt_img: '1-3.png' },
    },
    'multi-element_composition': { '1': { ...plain('1'), ori_img: ['1-1.png', '1-2.png'] } },
  };
  let shade = 0;
  for (const [category, records] of Object.entries(annotations)) {
    await write(join(folder, category, 'annotation.json'), JSON.stringify(records));
    for (const { ori_img, gt_img } of Object.values(records))
      for (const name of [ori_img, gt_img].flat().filter((file) => file !== '')) {
        shade += 7;
        await write(join(folder, category, name), await png(shade % 256, 90, shade >> 8));
      }
  }
  return folder;
}

/** Writes a file and makes the folders that it needs. */
export async function write(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}
