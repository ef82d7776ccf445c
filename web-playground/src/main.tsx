import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Shell } from './shell/shell';
import { applyStoredTheme } from './shell/theme';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');

applyStoredTheme();
createRoot(root).render(
  <StrictMode>
    <Shell />
  </StrictMode>,
);
