// What a call says by `Mcp-Name`. How a header's value stands for a name: fakes/http/mcp_headers.py.

const ENCODED = /^=\?base64\?(.*)\?=$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const ASCII = /^[\x00-\x7f]*$/;
export const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

// The name; null without the header, or if it cannot be read.
export function nameTold(call) {
  const header = call.request.headers.get("mcp-name");
  return header === null ? null : decoded(header);
}

function decoded(value) {
  const encoded = ENCODED.exec(value.trim());
  if (encoded === null) return ASCII.test(value) ? value.trim() : null;
  if (!BASE64.test(encoded[1])) return null;
  try {
    return UTF8.decode(Uint8Array.from(atob(encoded[1]), (char) => char.charCodeAt(0)));
  } catch {
    return null;
  }
}
