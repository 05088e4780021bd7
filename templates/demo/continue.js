if (performance.getEntriesByType("navigation")[0]?.type !== "back_forward") document.forms[0].submit();
