import { useAction } from '../client/use-action';
import { type NotificationType, SetNotificationSettingDocument } from '../gql/graphql';
import { Problems } from '../parts/form';
import { NOTIFICATION_TYPES } from '../parts/words';

/** Those that everyone has to get. */
const ALWAYS: NotificationType[] = ['PAYMENT', 'COURSE', 'SECURITY'];

interface Setting {
  type: NotificationType;
  isEnabled: boolean;
}

export function NotificationSettings({ settings }: { settings: Setting[] }) {
  const change = useAction(SetNotificationSettingDocument);
  return (
    <>
      <Problems problems={change.problems} />
      <ul className="lines">
        {settings.map(({ type, isEnabled }) => (
          <li key={type} className="line">
            <label className="switch">
              <span>
                {NOTIFICATION_TYPES[type]}
                {ALWAYS.includes(type) && <span className="muted small"> (always)</span>}
              </span>
              <input
                type="checkbox"
                role="switch"
                checked={isEnabled}
                aria-checked={isEnabled}
                disabled={ALWAYS.includes(type)}
                onChange={() => change.run({ input: { type, isEnabled: !isEnabled } })}
              />
            </label>
          </li>
        ))}
      </ul>
    </>
  );
}
