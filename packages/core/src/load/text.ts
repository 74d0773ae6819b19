import { copyOfBytes } from './handed-over.ts';

/** The text in these bytes: UTF-8, or UTF-16 of either order, with or without a byte order mark. */
export function decodeText(bytes: Buffer): string {
  const encoding = utf16Order(bytes);
  if (encoding === undefined) {
    const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    return bytes.toString('utf8', marked ? 3 : 0);
  }
  const even = bytes.subarray(0, bytes.length & ~1);
  const text = encoding === 'little' ? even.toString('utf16le') : swapped(even);
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

function swapped(bytes: Buffer): string {
  // It may be a key, and other Buffers are to have no part of it.
  const little = copyOfBytes(bytes).swap16();
  const text = little.toString('utf16le');
  little.fill(0);
  return text;
}

/** Without a mark: text of certificates is ASCII, so every other byte is zero. */
function utf16Order(bytes: Buffer): 'little' | 'big' | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'little';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'big';
  const head = bytes.subarray(0, Math.min(bytes.length & ~1, 64));
  if (head.length < 8) return undefined;
  const zeros = [0, 0];
  head.forEach((byte, index) => {
    if (byte === 0) zeros[index & 1]!++;
  });
  const most = (head.length / 2) * 0.9;
  if (zeros[1]! >= most && zeros[0] === 0) return 'little';
  if (zeros[0]! >= most && zeros[1] === 0) return 'big';
  return undefined;
}
