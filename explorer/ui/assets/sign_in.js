// After the sign-in, Streamlit opens the start page. This script opens the page that the user wanted.
const KEY = "explorer.after-sign-in";

export default function ({ data }) {
  if (!data.returning) {
    sessionStorage.setItem(KEY, location.pathname + location.search);
    return;
  }
  const wanted = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  if (wanted && wanted !== location.pathname + location.search) {
    location.replace(location.origin + wanted);
  }
}
