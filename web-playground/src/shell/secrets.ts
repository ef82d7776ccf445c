// In a document (`password: "…"`, `$password: String = "…"`, block strings too) and in JSON (`"refreshToken": "…"`).
const SECRET =
  /("?\w*(?:password|token)\w*"?\s*:\s*(?:[\w![\]]+\s*=\s*)?)(?:"""(?:\\"""|[\s\S])*?"""|"(?:[^"\\\n]|\\.)*")/gi;

/** A document, or variables, with nothing in it that signs anybody in. */
export function withoutSecrets(text: string): string {
  return text.replace(SECRET, '$1""');
}

/** The same for GraphiQL's own records, which hold such texts in JSON; headers are left out. */
export function recordWithoutSecrets(record: string): string {
  try {
    return JSON.stringify(JSON.parse(record), (key, value) => {
      if (key === 'headers' || key === 'response') return null;
      return typeof value === 'string' ? withoutSecrets(value) : value;
    });
  } catch {
    return withoutSecrets(record);
  }
}
