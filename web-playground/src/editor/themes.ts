import type { editor } from 'monaco-editor';

/** GraphiQL's themes, with enough contrast for comments and line numbers. */
export const THEMES = { light: 'lyceum-light', dark: 'lyceum-dark' };

const TRANSPARENT = '#00000000';

export function defineThemes({ defineTheme }: typeof editor): void {
  defineTheme(
    THEMES.light,
    theme('vs', {
      argument: '#5a57bd',
      quiet: '#566078',
      comment: '#00700c',
      number: '#076b46',
      wrong: '#b3261e',
    }),
  );
  defineTheme(
    THEMES.dark,
    theme('vs-dark', {
      argument: '#908aff',
      quiet: '#aab6cc',
      comment: '#8fc27a',
      number: '#b5cea8',
      wrong: '#ff9d94',
    }),
  );
}

interface Colours {
  argument: string;
  quiet: string;
  comment: string;
  number: string;
  /** An unmatched bracket. */
  wrong: string;
}

function theme(
  base: 'vs' | 'vs-dark',
  { argument, quiet, comment, number, wrong }: Colours,
): editor.IStandaloneThemeData {
  return {
    base,
    inherit: true,
    colors: {
      'editor.background': TRANSPARENT,
      'scrollbar.shadow': TRANSPARENT,
      'editorLineNumber.foreground': quiet,
      'editorBracketHighlight.unexpectedBracket.foreground': wrong,
    },
    rules: [
      { token: 'argument.identifier.gql', foreground: argument },
      { token: 'comment', foreground: comment },
      { token: 'number', foreground: number },
    ],
  };
}
