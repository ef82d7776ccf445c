// In a document (`password: "…"`, `$password: String = "…"`, block strings too) and in JSON (`"refreshToken": "…"`).
const SECRET =
  /("?\w*(?:password|token|secondFactorCode)\w*"?\s*:\s*(?:[\w![\]]+\s*=\s*)?)(?:"""(?:\\"""|[\s\S])*?"""|"(?:[^"\\\n]|\\.)*")/gi;

/** Removes passwords, tokens and codes of second factors from a document or variables. */
export function redactSecrets(text: string): string {
  return text.replace(SECRET, '$1""');
}

/** The same for GraphiQL's stored state, which has such texts in JSON; headers and responses are removed. */
export function redactRecord(record: string): string {
  try {
    return JSON.stringify(JSON.parse(record), (key, value) => {
      if (key === 'headers' || key === 'response') return null;
      return typeof value === 'string' ? redactSecrets(value) : value;
    });
  } catch {
    return redactSecrets(record);
  }
}
